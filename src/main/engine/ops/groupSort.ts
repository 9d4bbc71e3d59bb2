import * as tf from '@tensorflow/tfjs-core';

/**
 * GroupSort (METHOD.md §1): contiguous groups of units sorted ascending, [3, 1, 2, 5] in twos → [1, 3, 2, 5].
 * @param x [N, width]
 * @throws if groupSize does not divide the width
 */
export function groupSort(x: tf.Tensor2D, groupSize: number): tf.Tensor2D {
  const [batch, width] = x.shape;
  requireGroups(width, groupSize);
  return sortPlaces(x, groupSize, {
    split: (units) => tf.unstack(tf.reshape(units, [batch, width / groupSize, groupSize]), 2),
    join: (places) => tf.reshape(tf.stack(places, 2), [batch, width]),
  });
}

/**
 * GroupSort of units that lie by their place in the group: first those of all groups that come first, then those that come
 * second, and so on, [3, 2, 1, 5] in twos → [1, 2, 3, 5]. Faster, since no unit has to be
 * fetched from between others.
 * @param x [N, width]
 * @throws if groupSize does not divide the width
 */
export function groupSortByPlace(x: tf.Tensor2D, groupSize: number): tf.Tensor2D {
  requireGroups(x.shape[1], groupSize);
  return sortPlaces(x, groupSize, {
    split: (units) => tf.split(units, groupSize, 1),
    join: (places) => tf.concat(places, 1),
  });
}

function requireGroups(width: number, groupSize: number): void {
  if (width % groupSize === 0) return;
  throw new RangeError(`GroupSort: group size ${groupSize} does not divide the width ${width}; choose a divisor`);
}

/** How units are taken apart by their place in the group, one tensor a place, and put together again. */
interface Places {
  readonly split: (units: tf.Tensor) => tf.Tensor[];
  readonly join: (places: tf.Tensor[]) => tf.Tensor;
}

/**
 * An odd–even transposition network of exchanges. Its gradient is the network run backwards with the exchanges that were
 * made, hence a permutation that keeps the norm, at ties too: minimum and maximum would both send theirs to the first of two
 * equal units.
 */
function sortPlaces(x: tf.Tensor2D, groupSize: number, { split, join }: Places): tf.Tensor2D {
  const op = tf.customGrad((...args) => {
    const save = args[1] as unknown as tf.GradSaveFunc;
    const exchanges: tf.Tensor[] = [];
    const places = split(args[0] as tf.Tensor);
    for (const i of exchangesOf(groupSize)) {
      const [left, right] = [places[i], places[i + 1]];
      // Only a gradient reads it: a graph without one leaves it out.
      exchanges.push(tf.lessEqual(left, right));
      places[i] = tf.minimum(left, right);
      places[i + 1] = tf.maximum(left, right);
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
    return { value: join(places), gradFunc };
  });
  return op(x) as tf.Tensor2D;
}

/** The network: exchange number e compares the places exchangesOf(…)[e] and the one after it. */
function exchangesOf(groupSize: number): number[] {
  const rounds = groupSize === 2 ? 1 : groupSize;
  const pairs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (let i = round % 2; i + 1 < groupSize; i += 2) pairs.push(i);
  }
  return pairs;
}

/** Swaps two neighbouring places wherever they were not in order. */
function exchange(places: tf.Tensor[], i: number, inOrder: tf.Tensor): void {
  const [left, right] = [places[i], places[i + 1]];
  places[i] = tf.where(inOrder, left, right);
  places[i + 1] = tf.where(inOrder, right, left);
}
