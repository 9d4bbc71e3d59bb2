import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { groupSort, groupSortByPlace } from '../../../src/main/engine/ops/groupSort.ts';
import { deriveKey, fillStandardNormal } from '../../../src/main/math/philox.ts';
import { groupSort as groupSortOnHost } from '../../../src/main/math/groupSort.ts';

beforeAll(async () => {
  await openBackend();
});

function sorted(rows: number[][], groupSize: number): number[][] {
  return tf.tidy(() => groupSort(tf.tensor2d(rows), groupSize).arraySync());
}

/** dL/dx of one row for an upstream gradient of 1, 10, 100, …, so that each element's way shows. */
function routed(row: number[], groupSize: number): number[] {
  return tf.tidy(() => {
    const upstream = tf.tensor2d([row.map((_, i) => 10 ** (i % 4))]);
    const gradient = tf.grad((x: tf.Tensor) => groupSort(x as tf.Tensor2D, groupSize));
    return [...gradient(tf.tensor2d([row]), upstream).dataSync()];
  });
}

describe('GroupSort', () => {
  it('refuses a group size that does not divide the width, naming both', () => {
    expect(() => sorted([[1, 2, 3, 4]], 3)).toThrow(/group size 3 does not divide the width 4/);
  });

  it('sorts contiguous groups ascending', () => {
    expect(sorted([[3, 1, 2, 5]], 2)).toEqual([[1, 3, 2, 5]]);
  });

  it.each([2, 4, 8])('in groups of %i is exactly the host’s, on random rows and on rows full of ties', (groupSize) => {
    const [rows, width] = [64, 16];
    const values = new Float32Array(rows * width);
    fillStandardNormal(values, deriveKey(2, 'groups', groupSize), 0);
    const matrix = Array.from({ length: rows }, (_, row) =>
      Array.from(values.subarray(row * width, (row + 1) * width), (v) => (row % 2 === 0 ? v : Math.round(v))),
    );
    const expected = matrix.map((row) => [...groupSortOnHost(Float64Array.from(row), groupSize)]);
    // −0 and 0 are one number here: which of two equal units comes first is not promised.
    expect(sorted(matrix, groupSize).map((row) => row.map((v) => v + 0))).toEqual(
      expected.map((row) => row.map((v) => v + 0)),
    );
  });

  it.each([2, 4, 8])('in groups of %i sorts every pattern of zeros and ones, hence everything', (groupSize) => {
    const patterns = Array.from({ length: 2 ** groupSize }, (_, bits) =>
      Array.from({ length: groupSize }, (__, i) => (bits >> i) & 1),
    );
    expect(sorted(patterns, groupSize)).toEqual(patterns.map((row) => row.toSorted((a, b) => a - b)));
  });
});

describe('GroupSort by places', () => {
  /** Units of contiguous groups by their places, and back. */
  const byPlace = (row: number[], groupSize: number): number[] =>
    Array.from({ length: groupSize }, (_, place) => row.filter((__, i) => i % groupSize === place)).flat();
  const inTurn = (row: number[], groupSize: number): number[] => byPlace(row, row.length / groupSize);
  const ROWS = [
    [3, 1, 2, 5, 4, 4, -1, 0],
    [8, 7, 6, 5, 4, 3, 2, 1],
    [0, 0, 0, 0, 1, 1, -2, -2],
  ];

  it('refuses a group size that does not divide the width', () => {
    expect(() => tf.tidy(() => groupSortByPlace(tf.tensor2d([[1, 2, 3, 4]]), 3))).toThrow(/group size 3/);
  });

  it.each([2, 4, 8])(
    'in groups of %i is GroupSort of the same units in another order, and its gradient',
    (groupSize) => {
      const upstream = ROWS.map((row) => row.map((_, i) => 2 ** i));
      const gradientOf = (
        sort: typeof groupSort,
        [x, dy]: readonly [number[][], number[][]],
      ): [values: number[][], gradient: number[][]] =>
        tf.tidy(() => {
          const { value, grad } = tf.valueAndGrad((y: tf.Tensor) => sort(y as tf.Tensor2D, groupSize))(
            tf.tensor2d(x),
            tf.tensor2d(dy),
          );
          return [value.arraySync(), grad.arraySync() as number[][]];
        });
      const moved = (rows: number[][]): number[][] => rows.map((row) => byPlace(row, groupSize));
      const [values, gradient] = gradientOf(groupSortByPlace, [moved(ROWS), moved(upstream)]);
      expect([values, gradient].map((rows) => rows.map((row) => inTurn(row, groupSize)))).toEqual(
        gradientOf(groupSort, [ROWS, upstream]),
      );
    },
  );
});

describe('the gradient of GroupSort', () => {
  it.each([
    [2, [3, 1, 2, 5], [10, 1, 100, 1000]],
    [2, [1, 3, 5, 2], [1, 10, 1000, 100]],
    [4, [4, 3, 2, 1], [1000, 100, 10, 1]],
    [4, [2, 4, 1, 3], [10, 1000, 1, 100]],
    [4, [-1, -4, 8, 0, 7, 5, 6, 4], [10, 1, 1000, 100, 1000, 10, 100, 1]],
  ])('in groups of %i at %j goes to the unit that each output came from', (groupSize, row, expected) => {
    expect(routed(row, groupSize)).toEqual(expected);
  });

  it.each([
    [2, [1, 1, 0, 0]],
    [4, [0, 0, 0, 0]],
    [4, [2, 1, 2, 1]],
    [4, [1, 3, 1, 1]],
    [4, [3, 3, 3, -3]],
  ])('in groups of %i at the ties of %j is still a permutation', (groupSize, row) => {
    const ascending = (values: number[]): number[] => values.toSorted((a, b) => a - b);
    expect(ascending(routed(row, groupSize))).toEqual([1, 10, 100, 1000]);
  });

  it('leaves no tensor behind, nor does the sort', () => {
    const x = tf.tensor2d([[3, 1, 2, 5]]);
    const before = tf.memory().numTensors;
    tf.dispose(groupSort(x, 4));
    tf.dispose(tf.grad((y: tf.Tensor) => groupSort(y as tf.Tensor2D, 4))(x));
    expect(tf.memory().numTensors).toBe(before);
    x.dispose();
  });
});
