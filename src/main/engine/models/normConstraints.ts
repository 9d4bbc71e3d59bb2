import * as tf from '@tensorflow/tfjs-core';
import type { Constraint } from '../../../shared/config.ts';
import type { Matrix } from '../../math/matrix.ts';
import { nearestOrthonormal } from '../../math/orthonormal.ts';
import { spectralNormUpper } from '../../math/spectralNorm.ts';
import type { Parameters } from './parameters.ts';

/**
 * The constraints on ‖W‖₂→₂ (METHOD.md §1). Both are projections of the weight that is trained: the loss and its gradient are those of
 * the weight as it is, with no derivative of a norm or of an orthonormalisation in the way.
 */
export type NormConstraint = Extract<Constraint, 'spectral' | 'bjorck'>;

export const isNormConstraint = (constraint: Constraint): constraint is NormConstraint =>
  constraint === 'spectral' || constraint === 'bjorck';

/**
 * An update moves the norm little, and the iterate goes on from where it stood: with two the norm stayed within 1 % of k at learning rates
 * up to 3e-3, with one within 2 % (measured, docs/method.md).
 */
const POWER_ITERATIONS = 2;
/** Before training, where the iterate is random. */
const FIRST_POWER_ITERATIONS = 30;

/**
 * So many take a weight that was orthonormal back to it, to 2e-6 in the entries of W·Wᵀ, after an update of ±1e-2 in every entry up to
 * 256 × 256, whatever the signs; after ±3e-3 six would do (measured, docs/method.md).
 */
const BJORCK_ITERATIONS = 10;

const lengthOf = (vector: tf.Tensor2D): tf.Scalar => tf.sqrt(tf.sum(tf.square(vector)));

/**
 * W·k/σ with σ the estimate of the largest singular value by power iteration (Miyato et al. 2018), which is never above it; and the
 * iterate to go on from. As it always divides, a layer's norm is k from the first update on, and only the ratios of singular values are learnt.
 * @param weight [outputs, inputs]
 * @param iterate [outputs], of length 1
 */
function dividedByNorm(
  { weight, iterate }: { readonly weight: tf.Tensor2D; readonly iterate: tf.Tensor1D },
  bound: number,
): { direction: tf.Tensor2D; iterate: tf.Tensor1D } {
  return tf.tidy(() => {
    let left = tf.expandDims<tf.Tensor2D>(iterate, 1);
    let sigma: tf.Scalar = tf.scalar(1);
    for (let i = 0; i < POWER_ITERATIONS; i++) {
      const right: tf.Tensor2D = tf.matMul(weight, left, true); // [inputs, 1]
      const image: tf.Tensor2D = tf.matMul(weight, tf.div(right, lengthOf(right))); // [outputs, 1]
      sigma = lengthOf(image);
      left = tf.div(image, sigma);
    }
    return { direction: tf.mul(weight, tf.div(bound, sigma)), iterate: tf.squeeze(left, [1]) };
  });
}

/**
 * k·Q with Q on the way to the orthonormal matrix nearest to W (Björck & Bowie 1971; Anil, Lucas & Grosse 2019): rows are orthonormal where
 * there are no more outputs than inputs, columns otherwise. W is first divided by √‖W·Wᵀ‖∞, an upper bound of its norm that is
 * near 1 for a W that is nearly orthonormal; each iteration takes a singular value s ≤ 1 to (3s − s³)/2 ≤ 1. So ‖k·Q‖₂ ≤ k holds after
 * any number of them.
 * @param weight [outputs, inputs]
 */
function orthonormalised(weight: tf.Tensor2D, bound: number): tf.Tensor2D {
  return tf.tidy(() => {
    const [outputs, inputs] = weight.shape;
    const wide = outputs <= inputs;
    const gramOf = (w: tf.Tensor2D): tf.Tensor2D => tf.matMul(w, w, !wide, wide); // [n, n] of the smaller side
    const norm = tf.sqrt(tf.max(tf.sum(tf.abs(gramOf(weight)), 1)));
    let w: tf.Tensor2D = tf.div(weight, norm);
    for (let i = 0; i < BJORCK_ITERATIONS; i++) {
      const cubed = wide ? tf.matMul(gramOf(w), w) : tf.matMul(w, gramOf(w));
      w = tf.sub(tf.mul(w, 1.5), tf.mul(cubed, 0.5));
    }
    return tf.mul(w, bound);
  });
}

/** A layer's weight, its "direction", and under `spectral` its "iterate", after an update. */
export function projectedLayer(
  constraint: NormConstraint,
  { direction, iterate }: Parameters,
  bound: number,
): Parameters {
  const weight = direction as tf.Tensor2D;
  if (constraint === 'bjorck') return { direction: orthonormalised(weight, bound) };
  return dividedByNorm({ weight, iterate: iterate as tf.Tensor1D }, bound);
}

/** A weight that keeps a constraint of bound k as nearly as float32 can, in float64 on the host. @param matrix [outputs, inputs] */
export function constrainedWeight(constraint: NormConstraint, matrix: Matrix, bound: number): Float32Array {
  const values = constraint === 'bjorck' ? nearestOrthonormal(matrix) : matrix.values;
  return roundedWithin({ ...matrix, values }, bound);
}

/** A smaller step than float32's; each attempt at a factor doubles it. */
const FIRST_STEP = 2 ** -26;

/**
 * The matrix scaled to norm k and rounded to float32 so that ‖W‖₂ ≤ k holds by the upper bound, of what is stored. Rounding moves a
 * norm by less than a float32's spacing, so the first factor or the next ones do; k is missed by a few of them, 3e-7 at most.
 */
function roundedWithin({ rows, columns, values }: Matrix, bound: number): Float32Array {
  let factor = bound / spectralNormUpper({ rows, columns, values });
  for (let step = FIRST_STEP; ; step *= 2) {
    const weight = Float32Array.from(values, (value) => value * factor);
    const norm = spectralNormUpper({ rows, columns, values: weight });
    // A NaN is nobody's bound and stays.
    if (!(norm > bound)) return weight;
    factor *= (bound / norm) * (1 - step);
  }
}

/** The iterate to begin with, [outputs], from a random one. @param matrix [outputs, inputs] */
export function firstIterate({ rows, columns, values }: Matrix, random: Float32Array): Float32Array {
  let left = Float64Array.from(random);
  for (let i = 0; i < FIRST_POWER_ITERATIONS; i++) {
    const right = new Float64Array(columns);
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) right[c] += values[r * columns + c] * left[r];
    left = left.map((_, r) => right.reduce((sum, value, c) => sum + values[r * columns + c] * value, 0));
    const norm = Math.hypot(...left);
    left = left.map((value) => value / norm);
  }
  return Float32Array.from(left);
}
