import * as tf from '@tensorflow/tfjs-core';

/**
 * Cross-entropy of each row, [N].
 * @param logits [N, K]
 * @param oneHot [N, K]
 */
export function crossEntropyPerRow(logits: tf.Tensor2D, oneHot: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(logits, oneHot), 1)));
}

/**
 * log((1 − p)/p) of each row's label, [N]. The cross-entropy is log(1 + exp of this), so both have one gradient direction;
 * but where p rounds to 1, from a margin of 17 on, the cross-entropy's gradient loses its way and then vanishes, and this one's
 * does not.
 * @param logits [N, K], K ≥ 2
 * @param oneHot [N, K]
 */
export function logOddsAgainst(logits: tf.Tensor2D, oneHot: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => {
    const rivals = tf.where(tf.equal(oneHot, 1), -Infinity, logits);
    return tf.sub(tf.logSumExp(rivals, 1), tf.sum(tf.mul(logits, oneHot), 1));
  });
}

/** Mean cross-entropy over the batch, a scalar. */
export function crossEntropy(logits: tf.Tensor2D, oneHot: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => tf.mean(crossEntropyPerRow(logits, oneHot)));
}

/** [N, K] from class indices. */
export function oneHotLabels(labels: Int32Array, classes: number): tf.Tensor2D {
  const values = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => (values[row * classes + label] = 1));
  return tf.tensor2d(values, [labels.length, classes]);
}
