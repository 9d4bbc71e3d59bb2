import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import {
  crossEntropy,
  crossEntropyPerRow,
  logOddsAgainst,
  oneHotLabels,
} from '../../../src/main/engine/ops/crossEntropy.ts';
import { deriveKey, fillStandardNormal } from '../../../src/main/math/philox.ts';

beforeAll(async () => {
  await openBackend();
});

const FLOAT32_EPSILON = 2 ** -23;

function perRow(logits: number[][], labels: number[]): number[] {
  return tf.tidy(() => [
    ...crossEntropyPerRow(tf.tensor2d(logits), oneHotLabels(Int32Array.from(labels), logits[0].length)).dataSync(),
  ]);
}

/** −log softmax in float64. */
function lossOf(row: readonly number[], label: number): number {
  const largest = Math.max(...row);
  return largest + Math.log(row.reduce((sum, v) => sum + Math.exp(v - largest), 0)) - row[label];
}

const [ROWS, CLASSES] = [20, 10];
const values = new Float32Array(ROWS * CLASSES);
fillStandardNormal(values, deriveKey(1, 'logits'), 0);
const LOGITS = Array.from({ length: ROWS }, (_, row) =>
  Array.from(values.subarray(row * CLASSES, (row + 1) * CLASSES), (v) => Math.fround(v * 2 ** ((row % 8) - 3))),
);
const LABELS = LOGITS.map((_, row) => (7 * row) % CLASSES);

describe('cross-entropy', () => {
  it('of equal logits is the logarithm of the number of classes', () => {
    for (const loss of perRow([Array<number>(8).fill(3)], [5])) expect(loss).toBeCloseTo(Math.log(8), 6);
  });

  it('is −log softmax at the label, row by row and on average', () => {
    const expected = LOGITS.map((row, i) => lossOf(row, LABELS[i]));
    // Exponentials, their sum, its logarithm and one difference, each relative to the largest logit in it.
    const tolerance = LOGITS.map((row) => 2 * CLASSES * FLOAT32_EPSILON * Math.max(1, ...row.map(Math.abs)));
    perRow(LOGITS, LABELS).forEach((loss, i) => {
      expect(Math.abs(loss - expected[i])).toBeLessThanOrEqual(tolerance[i]);
    });
    const mean = tf.tidy(
      () => crossEntropy(tf.tensor2d(LOGITS), oneHotLabels(Int32Array.from(LABELS), CLASSES)).dataSync()[0],
    );
    const expectedMean = expected.reduce((a, b) => a + b, 0) / ROWS;
    expect(Math.abs(mean - expectedMean)).toBeLessThanOrEqual(Math.max(...tolerance) + ROWS * FLOAT32_EPSILON * mean);
  });

  it('of huge logits stays finite', () => {
    expect(perRow([[1e30, -1e30, 0]], [0])).toEqual([0]);
    expect(perRow([[-1e30, 1e30, 0]], [0])).toEqual([Math.fround(1e30) * 2]);
    expect(perRow([[-1e6, -1e6, -1e6]], [1])[0]).toBeCloseTo(Math.log(3), 0);
  });

  it.each([
    ['ordinary logits', LOGITS, LABELS],
    ['huge logits', [[1e30, -1e30, 0]], [1]],
  ])('has the gradient softmax − one-hot: %s', (_, logits, labels) => {
    const gradient = tf.tidy(() => {
      const oneHot = oneHotLabels(Int32Array.from(labels), logits[0].length);
      const loss = (x: tf.Tensor): tf.Tensor => crossEntropyPerRow(x as tf.Tensor2D, oneHot);
      return tf.grad(loss)(tf.tensor2d(logits)).arraySync() as number[][];
    });
    logits.forEach((row, i) => {
      const largest = Math.max(1, ...row.map(Math.abs));
      row.forEach((__, k) => {
        const expected = Math.exp(-lossOf(row, k)) - (k === labels[i] ? 1 : 0);
        // exp of a difference of logits carries their rounding; past 1e6 the probabilities are exactly 0 and 1.
        const tolerance = largest > 1e6 ? 0 : 4 * CLASSES * FLOAT32_EPSILON * largest;
        expect(Math.abs(gradient[i][k] - expected)).toBeLessThanOrEqual(tolerance);
      });
    });
  });
});

describe('log-odds against the label', () => {
  const oddsOf = (logits: number[][], labels: number[]) =>
    tf.tidy(() => {
      const oneHot = oneHotLabels(Int32Array.from(labels), logits[0].length);
      const odds = (x: tf.Tensor): tf.Tensor => logOddsAgainst(x as tf.Tensor2D, oneHot);
      const { value, grad } = tf.valueAndGrad(odds)(tf.tensor2d(logits), tf.ones([logits.length]));
      return { values: [...value.dataSync()], gradients: grad.arraySync() as number[][] };
    });

  it('give back the cross-entropy, and its gradient over 1 − p', () => {
    const { values: odds, gradients } = oddsOf(LOGITS, LABELS);
    LOGITS.forEach((row, i) => {
      const rivals = row.filter((_, k) => k !== LABELS[i]);
      const tolerance = 4 * CLASSES * FLOAT32_EPSILON * Math.max(1, ...row.map(Math.abs));
      expect(Math.abs(Math.log1p(Math.exp(odds[i])) - lossOf(row, LABELS[i]))).toBeLessThanOrEqual(tolerance);
      row.forEach((logit, k) => {
        const share = Math.exp(-lossOf([logit, ...rivals.filter((rival) => rival !== logit)], 0));
        expect(Math.abs(gradients[i][k] - (k === LABELS[i] ? -1 : share))).toBeLessThanOrEqual(tolerance);
      });
    });
  });

  it('keep their gradient where p rounds to 1, and stay finite at huge logits', () => {
    const { values: odds, gradients } = oddsOf(
      [
        [75, 0, -200],
        [1e30, -1e30, -1e30],
        [0, 0, 1e30],
      ],
      [0, 0, 1],
    );
    expect(odds.every(Number.isFinite)).toBe(true);
    expect(gradients).toEqual([
      [-1, 1, 0],
      [-1, 0.5, 0.5],
      [0, -1, 1],
    ]);
  });
});

describe('one-hot labels', () => {
  it('have a single one in each row, at the label', () => {
    expect(tf.tidy(() => oneHotLabels(Int32Array.of(2, 0), 3).arraySync())).toEqual([
      [0, 0, 1],
      [1, 0, 0],
    ]);
  });
});
