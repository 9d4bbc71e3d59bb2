import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { timesConstant } from '../../../src/main/engine/ops/timesConstant.ts';

beforeAll(async () => {
  await openBackend();
});

it('is the matrix product, and has its gradient', () => {
  const x = tf.tensor2d([
    [1, -2, 3],
    [0, 4, -5],
  ]);
  const weight = tf.tensor2d([
    [1, 2],
    [3, -4],
    [5, 6],
  ]);
  const before = tf.memory().numTensors;
  const [value, gradient] = tf.tidy(() => {
    const of = tf.valueAndGrad((y: tf.Tensor) => timesConstant(y as tf.Tensor2D, weight));
    const { value: product, grad } = of(
      x,
      tf.tensor2d([
        [1, 10],
        [100, 1000],
      ]),
    );
    return [product.arraySync(), grad.arraySync()];
  });
  expect(value).toEqual([
    [10, 28],
    [-13, -46],
  ]);
  expect(gradient).toEqual([
    [21, -37, 65],
    [2100, -3700, 6500],
  ]);
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose([x, weight]);
});
