import { gramOfRows, lyingDown, product, transposed, type Matrix } from './matrix.ts';

/** A small singular value grows by half in each: enough for one of 1e-10. */
const MOST_ITERATIONS = 64;
/** Of W·Wᵀ from I, in its entries; what one more iteration leaves is the square of it. */
const NEAR = 2 ** -26;

/**
 * The orthonormal matrix nearest to W (its polar factor), by Björck's iteration W ← (3W − W·Wᵀ·W)/2 (Björck & Bowie 1971; Anil,
 * Lucas & Grosse 2019), until its rows (columns, where there are more rows) are orthonormal. Each singular value s becomes
 * (3s − s³)/2, which nears 1 from below; dividing by an upper bound of the largest, √‖W·Wᵀ‖∞, puts all of them there. A direction that W has lost
 * (s = 0) stays lost, and W's norm is 1 at most all the same.
 */
export function nearestOrthonormal(matrix: Matrix): Float64Array {
  const given = lyingDown(matrix);
  const norm = Math.sqrt(largestRowSum(gramOfRows(given), given.rows));
  let wide = { ...given, values: given.values.map((value) => value / norm) };
  for (let i = 0, near = false; i < MOST_ITERATIONS && !near; i++) {
    const gram = gramOfRows(wide);
    near = departure(gram, wide.rows) <= NEAR;
    const cubed = product(gram, wide);
    wide = { ...wide, values: wide.values.map((value, t) => 1.5 * value - 0.5 * cubed[t]) };
  }
  // Back in the shape that was given.
  return matrix.rows > matrix.columns ? transposed(wide).values : wide.values;
}

/** ‖A‖∞→∞ of a symmetric matrix, which is no less than ‖A‖₂. */
function largestRowSum(values: Float64Array, n: number): number {
  let largest = 0;
  for (let i = 0; i < n; i++) {
    const sum = values.subarray(i * n, (i + 1) * n).reduce((total, value) => total + Math.abs(value), 0);
    largest = Math.max(largest, sum);
  }
  return largest;
}

/** max |A − I| */
function departure(values: Float64Array, n: number): number {
  return values.reduce((most, value, t) => Math.max(most, Math.abs(value - (t % (n + 1) === 0 ? 1 : 0))), 0);
}
