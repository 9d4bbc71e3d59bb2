import * as tf from '@tensorflow/tfjs-core';

/**
 * GroupSort (METHOD.md §1): contiguous groups of units sorted ascending, [3, 1, 2, 5] in twos → [1, 3, 2, 5].
 * An odd–even transposition network of minimum and maximum, so that every backend has its gradient.
 * @param x [N, width]
 * @throws if groupSize does not divide the width
 */
export function groupSort(x: tf.Tensor2D, groupSize: number): tf.Tensor2D {
  const [batch, width] = x.shape;
  if (width % groupSize !== 0) {
    throw new RangeError(`GroupSort: group size ${groupSize} does not divide the width ${width}; choose a divisor`);
  }
  return tf.tidy(() => {
    let columns = tf.unstack(tf.reshape(x, [batch, width / groupSize, groupSize]), 2);
    const rounds = groupSize === 2 ? 1 : groupSize;
    for (let round = 0; round < rounds; round++) columns = exchangeRound(columns, round % 2);
    return tf.reshape(tf.stack(columns, 2), [batch, width]);
  });
}

/** Sorts the neighbours (i, i + 1) for every second i from `first` on. */
function exchangeRound(columns: readonly tf.Tensor[], first: number): tf.Tensor[] {
  const next = [...columns];
  for (let i = first; i + 1 < columns.length; i += 2) {
    next[i] = tf.minimum(columns[i], columns[i + 1]);
    next[i + 1] = tf.maximum(columns[i], columns[i + 1]);
  }
  return next;
}
