import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Matrix } from '../../src/main/math/matrix.ts';
import { layerNormUpper, spectralNormUpper } from '../../src/main/math/spectralNorm.ts';
import { fixture } from './fixture.ts';
import { normals } from './heads.ts';

/** 2⁻²⁸ of truncation, and n²·EPS of slack for sums at n ≤ 256. */
const TIGHT = 2 ** -28 + 2 ** -36;

interface SpectralCase {
  readonly rows: number;
  readonly columns: number;
  readonly seed: number;
  readonly exponent: number;
  readonly cluster: boolean;
  readonly norm: number;
}
const CASES = fixture('spectral') as SpectralCase[];

/** As test/fixtures/math/make_spectral.py makes it. */
function matrixOf({ rows, columns, seed, exponent, cluster }: SpectralCase): Matrix {
  const values = Float32Array.from({ length: rows * columns }, (_, t) => {
    const residue = (BigInt(t * t + 7 * t + seed) * 48271n) % 2147483647n;
    return Number(residue) / 2 ** 30 - 1;
  });
  if (!cluster) return { rows, columns, values: values.map((value) => value * 2 ** exponent) };
  const onDiagonal = (t: number): number => (t % columns === Math.floor(t / columns) ? 4 : 0);
  return { rows, columns, values: values.map((value, t) => Math.fround(value / 64) + onDiagonal(t)) };
}

const lengthOf = (values: ArrayLike<number>): number => Math.hypot(...Array.from(values));

function imageOf({ rows, columns, values }: Matrix, x: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += values[i * columns + j] * x[j];
    return sum;
  });
}

function expectJustAbove(bound: number, norm: number): void {
  expect(bound).toBeGreaterThanOrEqual(norm);
  expect(bound).toBeLessThanOrEqual(norm * (1 + TIGHT));
}

describe('the upper bound of the largest singular value', () => {
  it.each(CASES)('is just above that of numpy: $rows × $columns, 2^$exponent, cluster $cluster', (entry) => {
    // numpy's own value is within a few EPS·n of the norm, on either side.
    const error = 4 * Math.max(entry.rows, entry.columns) * Number.EPSILON;
    expectJustAbove(spectralNormUpper(matrixOf(entry)) * (1 + error), entry.norm);
    expect(spectralNormUpper(matrixOf(entry))).toBeLessThanOrEqual(entry.norm * (1 + TIGHT + error));
  });

  it.each([1, 2, 5, 64])('of %i axes permuted and flipped is 1: all singular values in one cluster', (n) => {
    const values = new Float32Array(n * n);
    for (let i = 0; i < n; i++) values[i * n + ((i * 3 + 1) % n)] = i % 2 === 0 ? 1 : -1;
    expectJustAbove(spectralNormUpper({ rows: n, columns: n, values }), 1);
  });

  it.each([
    [3, 7],
    [7, 3],
  ])('of a diagonal, %i × %i, is its largest entry', (rows, columns) => {
    const values = new Float32Array(rows * columns);
    [0.5, -3, 2.75].forEach((entry, i) => (values[i * columns + i] = entry));
    expectJustAbove(spectralNormUpper({ rows, columns, values }), 3);
  });

  it.each([
    [4, 30],
    [30, 4],
  ])('of rank one, %i × %i, is the product of two lengths', (rows, columns) => {
    // Small integers, so that products are exact.
    const [a, b] = [rows, columns].map((n) => Float32Array.from({ length: n }, (_, i) => ((i * 5) % 7) - 3));
    const values = Float32Array.from({ length: rows * columns }, (_, t) => a[Math.floor(t / columns)] * b[t % columns]);
    expectJustAbove(spectralNormUpper({ rows, columns, values }), lengthOf(a) * lengthOf(b) * (1 - 4 * Number.EPSILON));
  });

  it('is no less than ‖W·x‖/‖x‖ of any x, whatever the scale of W', () => {
    const entry = fc.integer({ min: -100, max: 100 });
    const matrix = fc.record({
      rows: fc.integer({ min: 1, max: 6 }),
      columns: fc.integer({ min: 1, max: 6 }),
      exponent: fc.integer({ min: -140, max: 120 }),
      entries: fc.array(entry, { minLength: 36, maxLength: 36 }),
    });
    fc.assert(
      fc.property(
        matrix,
        fc.array(entry, { minLength: 6, maxLength: 6 }),
        ({ rows, columns, exponent, entries }, x) => {
          const values = Float32Array.from(entries.slice(0, rows * columns), (value) => value * 2 ** exponent);
          const [upper, z] = [spectralNormUpper({ rows, columns, values }), x.slice(0, columns)];
          // Integers are exact; a length has the rounding of its sum and root.
          const least = lengthOf(imageOf({ rows, columns, values }, z)) * (1 - 8 * Number.EPSILON);
          expect(upper * lengthOf(z)).toBeGreaterThanOrEqual(least);
        },
      ),
      { seed: 1, numRuns: 500 },
    );
  });

  it('is attained within its tightness: by the direction that powers of W·Wᵀ leave', () => {
    const [rows, columns] = [12, 20];
    const matrix = { rows, columns, values: normals(rows * columns, 'attained') };
    const values = Float64Array.from({ length: rows * columns }, (_, t) => {
      return matrix.values[(t % rows) * columns + Math.floor(t / rows)];
    });
    let x = Float64Array.from(normals(columns, 'start'));
    for (let i = 0; i < 2000; i++) {
      const image = imageOf({ rows: columns, columns: rows, values }, imageOf(matrix, x));
      x = image.map((value) => value / lengthOf(image));
    }
    expectJustAbove(spectralNormUpper(matrix), lengthOf(imageOf(matrix, x)) * (1 - 40 * Number.EPSILON));
  });

  it('of zeros is as good as 0, with a NaN it is none, and with an infinity it is infinite', () => {
    const boundOf = (...values: number[]): number =>
      spectralNormUpper({ rows: 2, columns: 2, values: Float32Array.from(values) });
    expect(boundOf(0, 0, 0, 0)).toBeGreaterThanOrEqual(0);
    expect(boundOf(0, 0, 0, 0)).toBeLessThan(1e-70);
    expect(boundOf(1, NaN, 0, 0)).toBeNaN();
    expect(boundOf(1, Infinity, 0, 0)).not.toBeLessThan(Infinity);
  });

  it('of float64 values whose squares leave the range is one all the same', () => {
    const boundOf = (value: number): number =>
      spectralNormUpper({ rows: 2, columns: 2, values: Float64Array.of(value, 0, 0, value) });
    for (const value of [1e-320, 1e-200, 1e-100, 1e-80, 1e100, 1e200])
      expect(boundOf(value)).toBeGreaterThanOrEqual(value);
  });

  it('of a layer is computed once', () => {
    const layer = { inputs: 2, outputs: 1, weight: Float32Array.of(3, 4), bias: new Float32Array(1) };
    const once = layerNormUpper(layer);
    expectJustAbove(once, 5);
    layer.weight[0] = 300; // which nobody may do: it only shows that the answer is remembered
    expect(layerNormUpper(layer)).toBe(once);
    expect(layerNormUpper({ ...layer })).toBeGreaterThan(300);
  });
});
