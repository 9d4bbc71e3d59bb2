import type { DenseLayerWeights } from './head.ts';
import { gramOfRows, lyingDown, type Matrix } from './matrix.ts';
import { roundedUp, sumError } from './rounding.ts';

/** The bound exceeds the norm by no more than this, relatively, but for its rounding: a sixteenth of a float32's. */
const TIGHTNESS = 2 ** -28;

/**
 * An upper bound of ‖W‖₂→₂ in spite of all rounding, tight to 2⁻²⁸ or so, by Gram iteration (Delattre, Barthélemy, Araujo &
 * Allauzen 2023): ‖W‖₂ = ‖(W·Wᵀ)^(2^t)‖₂^(1/2^(t+1)), and a Frobenius norm in its place is above by a factor that the root takes
 * to 1. Errors of sums go into the bound (Higham 2002, §3.5): ‖fl(A·Aᵀ) − A·Aᵀ‖_F ≤ γ·‖A‖_F² for rows of so many terms. The root
 * of a level halves what the levels inside it added, so that all together add about n²·EPS for n rows, 2⁻³⁶ at n = 256.
 * NaN where W holds one, and Infinity where squares overflow.
 */
export function spectralNormUpper(matrix: Matrix): number {
  const wide = lyingDown(matrix);
  const frobeniusSquared = wide.values.reduce((sum, value) => sum + value * value, 0);
  const gram = symmetricNormUpper({ n: wide.rows, values: gramOfRows(wide) }, 1 / 2);
  return rootUp(gram + sumError(wide.columns + 1, frobeniusSquared));
}

/** [n, n] */
interface Symmetric {
  readonly n: number;
  readonly values: Float64Array;
}

/**
 * ‖A‖₂ from above. As A is symmetric, ‖A‖₂² = ‖A²‖₂, asked of the square until the Frobenius norm will do.
 * @param root the power of this norm that enters the answer, which says how tight it must be
 */
function symmetricNormUpper({ n, values }: Symmetric, root: number): number {
  const squares = values.reduce((sum, value) => sum + value * value, 0);
  const frobenius = rootUp(squares + sumError(n * n + 1, squares));
  if (isTight({ n, values }, { frobenius, root })) return frobenius;
  // A power of two: the division is exact. Without it the powers would overflow, or underflow to a bound of nothing.
  const scale = 2 ** Math.round(Math.log2(frobenius));
  const scaled = values.map((value) => value / scale);
  const square = gramOfRows({ rows: n, columns: n, values: scaled });
  const inner = symmetricNormUpper({ n, values: square }, root / 2);
  return scale * rootUp(inner + sumError(n + 1, (frobenius / scale) ** 2));
}

/**
 * Whether ‖A‖_F is near enough to ‖A‖₂, which is at least ‖A‖_F²/trace(A) as eigenvalues are not negative. Only how far to go hangs on
 * it: an answer is a bound after any number of squarings.
 */
function isTight({ n, values }: Symmetric, { frobenius, root }: { frobenius: number; root: number }): boolean {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += values[i * n + i];
  // A NaN ends it too.
  return !(Math.log(trace / frobenius) * root > TIGHTNESS);
}

/** √x rounded up, for an x that is the rounded sum of two numbers. */
const rootUp = (x: number): number => roundedUp(Math.sqrt(roundedUp(x, 1)), 1);

const known = new WeakMap<DenseLayerWeights, number>();

/** `spectralNormUpper` of a layer, computed once: heads do not change, and every certificate on one asks again. */
export function layerNormUpper(layer: DenseLayerWeights): number {
  const { inputs, outputs, weight } = layer;
  const bound = known.get(layer) ?? spectralNormUpper({ rows: outputs, columns: inputs, values: weight });
  known.set(layer, bound);
  return bound;
}
