import { describe, expect, it } from 'vitest';
import { gramOfRows, lyingDown, product, transposed } from '../../src/main/math/matrix.ts';
import { nearestOrthonormal } from '../../src/main/math/orthonormal.ts';
import { spectralNormUpper } from '../../src/main/math/spectralNorm.ts';
import { normals } from './heads.ts';

const largest = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** W·Wᵀ − I, or Wᵀ·W − I, of the smaller side. */
function departure(rows: number, columns: number, values: Float64Array): number {
  const wide = lyingDown({ rows, columns, values });
  const n = wide.rows;
  return largest(gramOfRows(wide).map((value, t) => value - (t % (n + 1) === 0 ? 1 : 0)));
}

describe('the nearest orthonormal matrix', () => {
  it.each([
    [1, 1],
    [1, 6],
    [10, 64],
    [64, 10],
    [64, 64],
  ])('%i × %i is orthonormal, and what is left of W beside it is symmetric and not negative', (rows, columns) => {
    const values = normals(rows * columns, 'polar', rows, columns);
    const orthonormal = nearestOrthonormal({ rows, columns, values });
    // Sums of at most 64 products.
    expect(departure(rows, columns, orthonormal)).toBeLessThan(64 * Number.EPSILON);
    // W = P·Q with P = W·Qᵀ symmetric and positive makes Q the polar factor, of all orthonormal matrices the nearest (Higham 2008, §8).
    const [w, q] = [lyingDown({ rows, columns, values }), lyingDown({ rows, columns, values: orthonormal })];
    const n = w.rows;
    const across = transposed({ rows: n, columns: w.columns, values: q.values }); // [m, n]
    const p = Float64Array.from({ length: n * n }, (_, t) => {
      let sum = 0;
      for (let i = 0; i < w.columns; i++)
        sum += w.values[Math.floor(t / n) * w.columns + i] * across.values[i * n + (t % n)];
      return sum;
    });
    const size = spectralNormUpper({ rows, columns, values });
    p.forEach((value, t) => {
      // The last iteration leaves a square of 2⁻²⁶, and conditioning a few digits of the rounding.
      expect(Math.abs(value - p[(t % n) * n + Math.floor(t / n)])).toBeLessThan(size * 1e-12);
    });
    for (let i = 0; i < n; i++) expect(p[i * n + i]).toBeGreaterThan(0);
    expect(largest(product(p, q).map((value, t) => value - w.values[t]))).toBeLessThan(size * 1e-12);
  });

  it('of an orthonormal one, times any number, is itself', () => {
    const orthonormal = nearestOrthonormal({ rows: 5, columns: 9, values: normals(45, 'itself') });
    for (const factor of [1e-6, 1, 1e6]) {
      const again = nearestOrthonormal({ rows: 5, columns: 9, values: orthonormal.map((value) => value * factor) });
      expect(largest(again.map((value, t) => value - orthonormal[t]))).toBeLessThan(20 * Number.EPSILON);
    }
  });

  it('where a direction is lost has norm 1 all the same', () => {
    const values = Float32Array.of(3, 4, 0, 6, 8, 0);
    const found = nearestOrthonormal({ rows: 2, columns: 3, values });
    const norm = spectralNormUpper({ rows: 2, columns: 3, values: found });
    expect(Math.abs(norm - 1)).toBeLessThan(2 ** -27);
    // Of rank one: u·vᵀ with u = (1, 2)/√5, v = (3, 4, 0)/5.
    [3, 4, 0, 6, 8, 0].forEach((value, t) => expect(found[t]).toBeCloseTo(value / (5 * Math.sqrt(5)), 12));
  });

  it('of a NaN is NaN', () => {
    expect(nearestOrthonormal({ rows: 1, columns: 2, values: Float32Array.of(1, NaN) })[0]).toBeNaN();
  });
});
