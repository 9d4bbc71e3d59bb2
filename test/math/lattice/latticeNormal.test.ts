import { describe, expect, it } from 'vitest';
import { fillLatticeNormal, magnitudeOf } from '../../../src/main/math/lattice/latticeNormal.ts';
import { latticeTable, type LatticeTable } from '../../../src/main/math/lattice/latticeTable.ts';
import { normalCdf } from '../../../src/main/math/normal.ts';
import { fixture } from '../fixture.ts';

interface Row {
  readonly sigma: number;
  readonly spacing: number;
  readonly thresholds: readonly (readonly [number, string])[];
}
const rows = fixture('lattice') as readonly Row[];

const thresholdOf = ({ top, middle, bottom }: LatticeTable, a: number): bigint =>
  (BigInt(top[a]) << 64n) | (BigInt(middle[a]) << 32n) | BigInt(bottom[a]);

describe('thresholds', () => {
  it.each(rows)('of σ = $sigma are within 2^-95 of those with 60 digits', ({ sigma, spacing, thresholds }) => {
    const table = latticeTable(sigma);
    expect(table.spacing).toBe(spacing);
    // Fewer than 2^20, on which what is taken of α rests.
    expect(table.top.length).toBeLessThan(2 ** 20);
    for (const [a, expected] of thresholds) {
      const difference = thresholdOf(table, a) - BigInt(expected);
      expect(difference).toBeGreaterThanOrEqual(-1n);
      expect(difference).toBeLessThanOrEqual(1n);
    }
  });

  it('ascend', () => {
    const table = latticeTable(0.1);
    for (let a = 1; a < table.top.length; a += 97) {
      expect(thresholdOf(table, a) >= thresholdOf(table, a - 1)).toBe(true);
    }
  });
});

describe('the magnitude of coins', () => {
  const table = latticeTable(0.25);

  it('is the number of thresholds that they do not lie below, also where 31 of them decide nothing', () => {
    const coins = (value: bigint): number =>
      magnitudeOf(table, Number(value >> 64n), () => [
        Number((value >> 32n) & 0xffffffffn),
        Number(value & 0xffffffffn),
      ]);
    const last = table.top.length - 1;
    for (const a of [0, 1, 2, 3, 1000, 30000, last >> 1, last - 5, last - 1, last]) {
      const threshold = thresholdOf(table, a);
      // Equal thresholds far out in the tail count all at once.
      let after = a + 1;
      while (after <= last && thresholdOf(table, after) === threshold) after++;
      let before = a;
      while (before > 0 && thresholdOf(table, before - 1) === threshold) before--;
      expect(coins(threshold)).toBe(after);
      expect(coins(threshold - 1n)).toBe(before);
    }
    expect(coins(0n)).toBe(0);
    expect(coins(2n ** 95n - 1n)).toBe(table.top.length);
  });

  it('asks for more coins only where it must', () => {
    let asked = 0;
    const more = (): [number, number] => {
      asked++;
      return [0, 0];
    };
    magnitudeOf(table, table.top[5000] + 1, more);
    magnitudeOf(table, table.top[5000], more);
    expect(asked).toBe(1);
  });
});

describe('noise on the lattice', () => {
  const SIGMA = 0.25;
  const key = [7, 9] as const;
  const drawn = (size: number, counterLow = 0): Float32Array => {
    const out = new Float32Array(size);
    fillLatticeNormal(out, { key, counterLow, sigma: SIGMA });
    return out;
  };

  it('is whole multiples of δ, the same from wherever it is begun', () => {
    const all = drawn(4000);
    const { spacing } = latticeTable(SIGMA);
    for (const value of all) expect(Number.isInteger(value / spacing)).toBe(true);
    expect(drawn(4000 - 400, 100)).toEqual(all.subarray(400));
    expect(drawn(7)).toEqual(all.subarray(0, 7));
  });

  it('has the distribution of a Gaussian: Kolmogorov and Smirnov at 1e-6, and its second moment', () => {
    const n = 200_000;
    const sorted = drawn(n).sort();
    let furthest = 0;
    sorted.forEach((value, i) => {
      const cdf = normalCdf(value / SIGMA);
      furthest = Math.max(furthest, Math.abs(cdf - i / n), Math.abs(cdf - (i + 1) / n));
    });
    // P(D > c/√n) ≈ 2·exp(−2c²) = 1e-6 at c = 2.69; rounding to δ moves the distribution function by 1e-5.
    expect(furthest).toBeLessThan(2.69 / Math.sqrt(n) + 1e-5);
    const second = sorted.reduce((sum, value) => sum + (value / SIGMA) ** 2, 0) / n;
    expect(Math.abs(second - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
  });

  it('sums with a point of the lattice are exact in float32', () => {
    const values = drawn(2000);
    for (const near of [0, 0.5, -2.125, 7.96875]) {
      for (const value of values) expect(Math.fround(near + value)).toBe(near + value);
    }
  });
});
