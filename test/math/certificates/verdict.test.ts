import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { radiusOverSigmaOfIndex } from '../../../src/main/math/certificates/indexRadius.ts';
import { allFinite, certified } from '../../../src/main/math/certificates/verdict.ts';
import { radiusTable, smallestDrawsThatCertify } from '../../../src/main/math/orderStatistics.ts';
import { PAPER_DRAWS } from '../evidence.ts';
import { expectRefusal } from '../refusal.ts';

/** A double in [1, 2^53), as an integer over 2^52. */
const scaled = (value: number): bigint => BigInt(Math.trunc(value)) * 2n ** 52n + BigInt((value % 1) * 2 ** 52);

describe('radius of an index', () => {
  it('is ε_k/σ, and refused from the first index that does not serve, with the n that would do', () => {
    const request = { draws: 500, level: 1e-4 / 1280 };
    const table = radiusTable(500, request.level);
    table.forEach((epsilon, i) => expect(radiusOverSigmaOfIndex('test', i + 1, request)).toBe(epsilon));
    const enough = smallestDrawsThatCertify(request.level);
    for (const k of [table.length + 1, 250]) {
      const call = () => radiusOverSigmaOfIndex('test', k, request);
      expectRefusal({ call, says: `test: got index ${k} of 500 draws` });
      expectRefusal({ call, says: `which exists from ${enough} draws on` });
    }
    expect(radiusOverSigmaOfIndex('test', 1, { ...request, draws: enough })).toBeGreaterThanOrEqual(0);
  });
});

describe('certified', () => {
  it('has radius σ times radius over σ, never above the exact product', () => {
    const factor = fc.double({ min: 1, max: 2 ** 20, noNaN: true });
    fc.assert(
      fc.property(factor, factor, (sigma, radiusOverSigma) => {
        const verdict = certified({ ...PAPER_DRAWS, sigma }, 3, radiusOverSigma);
        expect(verdict).toMatchObject({ outcome: 'certified', predicted: 3 });
        const radius = verdict.outcome === 'certified' ? verdict.radiusNormalised : NaN;
        expect(scaled(radius) * 2n ** 52n <= scaled(sigma) * scaled(radiusOverSigma)).toBe(true);
        expect(radius).toBeGreaterThan(sigma * radiusOverSigma * (1 - 4 * Number.EPSILON));
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  it('has a radius of 0, not one below, where only the prediction at the input itself is settled', () => {
    expect(certified(PAPER_DRAWS, 0, 0)).toEqual({ outcome: 'certified', predicted: 0, radiusNormalised: 0 });
    expect(certified(PAPER_DRAWS, 0, 2 ** -1074)).toMatchObject({ radiusNormalised: 0 });
  });
});

describe('all finite', () => {
  it('is false with a NaN or an infinity in any place, true of nothing', () => {
    expect(allFinite(Float32Array.of(0, -1, 3e38))).toBe(true);
    expect(allFinite([])).toBe(true);
    for (const value of [NaN, Infinity, -Infinity]) {
      for (const i of [0, 1, 2]) expect(allFinite(new Float32Array(3).with(i, value))).toBe(false);
    }
  });
});
