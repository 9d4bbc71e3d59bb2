import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from '../ops/crossEntropy.ts';
import { consistencyTerm } from './certifiedObjectives.ts';
import { rowsPerImage, type EffectiveTraining } from './effectiveTraining.ts';
import { repeatRows } from './trainingAttack.ts';

export interface Represented {
  /** [N·m, K], at the training temperature; rows of an image are neighbours. */
  readonly logits: tf.Tensor2D;
  /** [N, K], one-hot */
  readonly labels: tf.Tensor2D;
  /** Representations that the logits are of, [N·m, D]. */
  readonly perturbed: tf.Tensor2D;
  /** Representations of the clean images, [N, D]; read by `adv-d` alone. */
  readonly clean: tf.Tensor2D | null;
}

/**
 * What a procedure minimises (METHOD.md §2): the mean cross-entropy, under `adv-d` with λ·mean ‖f(x) − f(x')‖₂, under `gaussian`
 * with λ times the consistency term where there is one.
 */
export function trainingLoss(
  settings: EffectiveTraining,
  { logits, labels, perturbed, clean }: Represented,
): tf.Scalar {
  const loss = crossEntropy(logits, repeatRows(labels, rowsPerImage(settings)));
  if (settings.procedure === 'gaussian' && settings.consistency !== undefined) {
    const { draws, weight } = settings.consistency;
    return tf.add(loss, tf.mul(consistencyTerm(logits, draws), weight));
  }
  if (settings.procedure !== 'adv-d') return loss;
  if (clean === null) throw new Error('internal: loss of adv-d: got no clean representations');
  const distance = tf.mean<tf.Scalar>(distances(clean, perturbed));
  return tf.add(loss, tf.mul(distance, settings.representationWeight));
}

/** Below this a distance counts as constant, since the root's gradient at zero is infinite. */
const SMALLEST_SQUARE = 1e-30;

/** ‖a − b‖₂ by rows, [N]. */
function distances(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => tf.sqrt(tf.maximum(tf.sum(tf.square(tf.sub(a, b)), 1), SMALLEST_SQUARE)));
}
