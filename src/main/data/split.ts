import { shuffledIndices } from '../math/philox.ts';
import { DataError } from './dataError.ts';

/** Key of a Philox stream (src/main/math/philox.ts). */
export type SplitKey = readonly [number, number];

/** Share of the training images that validates (METHOD.md §2). */
const VALIDATION_SHARE = 0.1;

/** Images of so many that validate. */
export function validationCount(images: number): number {
  return Math.max(1, Math.round(images * VALIDATION_SHARE));
}

/**
 * Divides indices at random into nine tenths for training and one tenth (rounded, at least one) for validation
 * (METHOD.md §2). Both parts ascend, are disjoint, and together are `indices`.
 * @throws DataError for fewer than two indices.
 */
export function splitTrainValidation(
  indices: Int32Array,
  key: SplitKey,
): { readonly train: Int32Array; readonly validation: Int32Array } {
  if (indices.length < 2) {
    throw new DataError({
      operation: 'dividing training images',
      quantity: 'images',
      got: indices.length,
      expected: 'at least 2, one to train on and one to validate on',
      cure: 'raise trainingInstances',
    });
  }
  const order = shuffledIndices(indices.length, key);
  const validating = validationCount(indices.length);
  const pick = (positions: Int32Array): Int32Array => positions.map((position) => indices[position]).sort();
  return { train: pick(order.subarray(validating)), validation: pick(order.subarray(0, validating)) };
}

export interface SubsetRequest {
  /** What the subset is for and of, for errors: "training images of MNIST". */
  readonly of: string;
  /** [N] */
  readonly labels: ArrayLike<number>;
  /** [K] */
  readonly classes: readonly string[];
  /** Size of the subset. Where K does not divide it, the first classes get one more each. */
  readonly count: number;
}

/**
 * A random subset with as many instances of each class, ascending. With the same key, a smaller subset is part of a
 * larger one.
 * @throws DataError when the count is no positive integer, or a class has fewer instances than its share.
 */
export function balancedSubset({ of, labels, classes, count }: SubsetRequest, key: SplitKey): Int32Array {
  if (!Number.isInteger(count) || count < 1 || count > labels.length) {
    throw new DataError({
      operation: `choosing a balanced subset of the ${of}`,
      quantity: 'size',
      got: count,
      expected: `an integer from 1 to ${labels.length}`,
      cure: 'ask for a size in this range',
    });
  }
  const share = classes.map((_, k) => Math.floor(count / classes.length) + (k < count % classes.length ? 1 : 0));
  const taken = new Array<number>(classes.length).fill(0);
  const subset = shuffledIndices(labels.length, key).filter((index) => taken[labels[index]]++ < share[labels[index]]);
  const short = classes.findIndex((_, k) => taken[k] < share[k]);
  if (short !== -1) {
    throw new DataError({
      operation: `choosing a balanced subset of ${count} of the ${of}`,
      quantity: `instances of class ${short} (${classes[short]})`,
      got: taken[short],
      expected: `at least ${share[short]}`,
      cure: `ask for at most ${largestBalanced(labels, classes.length)}`,
    });
  }
  return subset.sort();
}

/** The largest count every class can give its share of. */
export function largestBalanced(labels: ArrayLike<number>, classes: number): number {
  const present = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) present[labels[i]]++;
  // Class k gets one of each full round and, if k < remainder, one more: it fails first at count = present·K + k + 1.
  return Math.min(...present.map((n, k) => n * classes + k));
}
