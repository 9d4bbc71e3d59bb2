import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from '../ops/crossEntropy.ts';
import { normalQuantile } from '../ops/normalQuantile.ts';
import type { EffectiveDrawBank } from './effectiveDrawBank.ts';
import { repeatRows } from './trainingAttack.ts';

/** Predictions on noisy draws; rows of an image are neighbours. */
export interface PredictedDraws {
  /** [N·r, K], at the training temperature */
  readonly logits: tf.Tensor2D;
  /** [N, K], one-hot */
  readonly labels: tf.Tensor2D;
  /** r */
  readonly rows: number;
}

/** What a step on kept draws minimises (METHOD.md §2, `drawBank`). */
export function bankObjective(bank: EffectiveDrawBank, { logits, labels, rows }: PredictedDraws): tf.Scalar {
  if (bank.objective === 'macer') return macerLoss(bank, { logits, labels, rows });
  const loss = crossEntropy(logits, repeatRows(labels, rows));
  return bank.objective === 'cross-entropy' ? loss : tf.add(loss, tf.mul(consistencyTerm(logits, rows), bank.weight));
}

/**
 * The consistency term of Jeong & Shin 2020: KL(p̄ ‖ p_i), p̄ the average of an image's r predictions, averaged over its draws i and
 * over the images.
 * @param logits [N·r, K], rows of an image neighbours
 */
export function consistencyTerm(logits: tf.Tensor2D, rows: number): tf.Scalar {
  return tf.tidy(() => {
    const [total, classes] = logits.shape;
    const log = tf.reshape(logProbabilities(logits), [total / rows, rows, classes]);
    const logAverage = tf.sub(tf.logSumExp(log, 1, true), Math.log(rows)); // [N, 1, K]
    const divergences = tf.sum(tf.mul(tf.exp(logAverage), tf.sub(logAverage, log)), 2); // [N, r]
    return tf.mean<tf.Scalar>(divergences);
  });
}

type Macer = Pick<Extract<EffectiveDrawBank, { objective: 'macer' }>, 'weight' | 'gamma' | 'beta' | 'sigma'>;

/** Added inside the logarithm by the authors' code, so that it stays finite. */
const SMALLEST_PROBABILITY = 1e-10;

/**
 * MACER's loss (Zhai et al. 2020, equation 8 and the authors' code): −log of the label's mean softmax over the draws, plus λ·σ/2 times the
 * hinge max(0, γ − ξ), ξ = Φ⁻¹(p̂_label) − Φ⁻¹(p̂_rival) with the softmax of β·logits, over images that the mean softmax classifies
 * as their label and with |ξ| ≤ γ; both averaged over all images.
 */
export function macerLoss({ weight, gamma, beta, sigma }: Macer, draws: PredictedDraws): tf.Scalar {
  return tf.tidy(() => {
    const { logits, labels, rows } = draws;
    const own = tf.sum(tf.mul(meanSoftmax(logits, rows), labels), 1);
    const classification = tf.neg(tf.mean(tf.log(tf.add(own, SMALLEST_PROBABILITY))));
    const hinge = hingeOfRadius(meanSoftmax(tf.mul(logits, beta), rows), labels, gamma);
    return tf.add(classification, tf.mul(tf.mean(hinge), (weight * sigma) / 2));
  });
}

/** γ − ξ of the images in the hinge, 0 of the others, [N]. @param mean [N, K] */
function hingeOfRadius(mean: tf.Tensor2D, labels: tf.Tensor2D, gamma: number): tf.Tensor1D {
  // 1 − p̂ summed up rather than subtracted, since near 1 float32 has no digits left for Φ⁻¹.
  const others = tf.sum<tf.Tensor1D>(tf.mul(mean, tf.sub(1, labels)), 1);
  const rival = tf.max<tf.Tensor1D>(tf.mul(mean, tf.sub(1, labels)), 1);
  const own = tf.sum(tf.mul(mean, labels), 1);
  const excess = (shares: { readonly others: tf.Tensor; readonly rival: tf.Tensor }): tf.Tensor1D =>
    tf.add(tf.add(normalQuantile(shares.others), normalQuantile(shares.rival)), gamma);
  const inHinge = constant([others, rival, own], (all, most, label) => {
    const isRight = tf.logicalAnd(tf.greater(label, most), tf.greater(most, 0));
    const isNear = tf.lessEqual(tf.abs(tf.sub(excess({ others: all, rival: most }), gamma)), gamma);
    return tf.cast(tf.logicalAnd(isRight, isNear), 'float32');
  });
  // Where an image is out, constants stand in, so that no infinite slope is multiplied by zero.
  const kept = (share: tf.Tensor): tf.Tensor => tf.add(tf.mul(share, inHinge), tf.mul(tf.sub(1, inHinge), 0.25));
  return tf.mul(inHinge, excess({ others: kept(others), rival: kept(rival) }));
}

/** A function of tensors that gradients do not go through. */
function constant(inputs: readonly tf.Tensor[], of: (...inputs: tf.Tensor[]) => tf.Tensor): tf.Tensor {
  const shapes = inputs.map(({ shape }) => shape);
  const cut = tf.customGrad((...args) => {
    const value = tf.tidy(() => of(...(args.slice(0, inputs.length) as tf.Tensor[])));
    return { value, gradFunc: () => shapes.map((shape) => tf.zeros(shape)) };
  });
  return cut(...inputs);
}

/** Softmax averaged over each image's r rows, [N, K]. */
function meanSoftmax(logits: tf.Tensor2D, rows: number): tf.Tensor2D {
  const [total, classes] = logits.shape;
  return tf.mean(tf.reshape(tf.exp(logProbabilities(logits)), [total / rows, rows, classes]), 1);
}

const logProbabilities = (logits: tf.Tensor2D): tf.Tensor2D => tf.sub(logits, tf.logSumExp(logits, 1, true));
