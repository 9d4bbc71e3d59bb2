import * as tf from '@tensorflow/tfjs-core';

/**
 * GroupSort (METHOD.md §1): contiguous groups of units sorted ascending, [3, 1, 2, 5] in twos → [1, 3, 2, 5].
 * An odd–even transposition network of exchanges. Its gradient is the network run backwards with the exchanges that were
 * made, hence a permutation that keeps the norm, at ties too: minimum and maximum would both send theirs to the first of two
 * equal units.
 * @param x [N, width]
 * @throws if groupSize does not divide the width
 */
export function groupSort(x: tf.Tensor2D, groupSize: number): tf.Tensor2D {
  const [batch, width] = x.shape;
  if (width % groupSize !== 0) {
    throw new RangeError(`GroupSort: group size ${groupSize} does not divide the width ${width}; choose a divisor`);
  }
  const split = (units: tf.Tensor): tf.Tensor[] =>
    tf.unstack(tf.reshape(units, [batch, width / groupSize, groupSize]), 2);
  const join = (columns: tf.Tensor[]): tf.Tensor => tf.reshape(tf.stack(columns, 2), [batch, width]);
  const op = tf.customGrad((...args) => {
    const save = args[1] as unknown as tf.GradSaveFunc;
    const exchanges: tf.Tensor[] = [];
    const columns = split(args[0] as tf.Tensor);
    for (const i of exchangesOf(groupSize)) {
      const inOrder = tf.lessEqual(columns[i], columns[i + 1]);
      exchanges.push(inOrder);
      exchange(columns, i, inOrder);
    }
    save(exchanges);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const gradients = split(dy);
      exchangesOf(groupSize)
        .map((i, made) => ({ i, inOrder: saved[made] }))
        .reverse()
        .forEach(({ i, inOrder }) => exchange(gradients, i, inOrder));
      return join(gradients);
    };
    return { value: join(columns), gradFunc };
  });
  return op(x) as tf.Tensor2D;
}

/** The network: exchange number e compares the columns exchangesOf(…)[e] and the one after it. */
function exchangesOf(groupSize: number): number[] {
  const rounds = groupSize === 2 ? 1 : groupSize;
  const pairs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (let i = round % 2; i + 1 < groupSize; i += 2) pairs.push(i);
  }
  return pairs;
}

/** Swaps two neighbouring columns wherever they are not in order. Its own inverse. */
function exchange(columns: tf.Tensor[], i: number, inOrder: tf.Tensor): void {
  const [left, right] = [columns[i], columns[i + 1]];
  columns[i] = tf.where(inOrder, left, right);
  columns[i + 1] = tf.where(inOrder, right, left);
}
