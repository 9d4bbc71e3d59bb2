import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBackend, type BackendName } from '../../../src/main/engine/backends/openBackend.ts';
import { batchNormTraining } from '../../../src/main/engine/ops/batchNorm.ts';
import { deriveKey, fillStandardNormal } from '../../../src/main/math/philox.ts';
import { nativeIsInstalled } from '../backends/native.ts';

const FLOAT32_EPSILON = 2 ** -23;
/** The WideResNet authors' value. */
const EPSILON = 1e-5;
const SHAPE: [number, number, number, number] = [3, 4, 5, 6];
const CHANNELS = SHAPE[3];
const SAMPLES = SHAPE[0] * SHAPE[1] * SHAPE[2];

function normals(count: number, name: string): Float32Array {
  const values = new Float32Array(count);
  fillStandardNormal(values, deriveKey(1, 'batch-norm', name), 0);
  return values;
}

/**
 * Each channel at a mean and deviation of its own, so that a statistic of another channel shows; the first varies so
 * little that epsilon counts.
 */
const X = normals(SAMPLES * CHANNELS, 'x').map((v, i) => (v + (i % CHANNELS)) * (0.01 + (i % CHANNELS)));
const SCALE = normals(CHANNELS, 'scale').map((v, i) => v + i);
const OFFSET = normals(CHANNELS, 'offset');
/** Upstream gradient: all elements differ. */
const UPSTREAM = normals(SAMPLES * CHANNELS, 'upstream').map((v, i) => v + (i % 7));

type Inputs = Record<'x' | 'scale' | 'offset', ArrayLike<number>>;
const INPUTS: Inputs = { x: X, scale: SCALE, offset: OFFSET };

interface Expected {
  readonly y: Float64Array;
  readonly mean: Float64Array;
  readonly unbiasedVariance: Float64Array;
}

/** The definition, in float64. */
function reference({ x, scale, offset }: Inputs): Expected {
  const channel = (c: number): number[] => Array.from({ length: SAMPLES }, (_, s) => x[s * CHANNELS + c]);
  const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / SAMPLES;
  const mean = Float64Array.from({ length: CHANNELS }, (_, c) => average(channel(c)));
  const variance = mean.map((m, c) => average(channel(c).map((v) => (v - m) ** 2)));
  return {
    y: Float64Array.from({ length: SAMPLES * CHANNELS }, (_, i) => {
      const c = i % CHANNELS;
      return ((x[i] - mean[c]) / Math.sqrt(variance[c] + EPSILON)) * scale[c] + offset[c];
    }),
    mean,
    unbiasedVariance: variance.map((v) => (v * SAMPLES) / (SAMPLES - 1)),
  };
}

/** Central difference of Σ upstream·y in element i of one input, in float64. */
function differenceQuotient(input: keyof Inputs, i: number): number {
  const at = (step: number): number => {
    const values = Float64Array.from(INPUTS[input]);
    values[i] += step;
    return reference({ ...INPUTS, [input]: values }).y.reduce((sum, v, j) => sum + v * UPSTREAM[j], 0);
  };
  const step = 1e-4;
  return (at(step) - at(-step)) / (2 * step);
}

function tensors(): { x: tf.Tensor4D; scale: tf.Tensor1D; offset: tf.Tensor1D } {
  return { x: tf.tensor4d(X, SHAPE), scale: tf.tensor1d(SCALE), offset: tf.tensor1d(OFFSET) };
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: (i: number) => number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) {
    expect(Math.abs(actual[i] - expected[i]), `element ${i}`).toBeLessThanOrEqual(tolerance(i));
  }
}

/** The largest magnitude that enters a channel's sums. */
const largestOf = (values: ArrayLike<number>, c: number): number =>
  Math.max(...Array.from({ length: SAMPLES }, (_, s) => Math.abs(values[s * CHANNELS + c])));

const BACKENDS: readonly BackendName[] = nativeIsInstalled ? ['wasm', 'tensorflow'] : ['wasm'];

// Native and composed batch norm are each held to the same float64 reference, hence to each other.
describe.each(BACKENDS)('batch norm in training on %s', (backend) => {
  beforeAll(async () => {
    await openBackend(backend, { ...process.env, PTW_BACKEND: backend });
    expect(tf.getBackend()).toBe(backend);
  });

  it('normalises by the statistics of the batch itself', () => {
    const y = tf.tidy(() => {
      const result = batchNormTraining(tensors(), ({ mean, variance }) => tf.dispose([mean, variance]));
      return result.dataSync<'float32'>().slice();
    });
    const expected = reference(INPUTS);
    // Two sums of SAMPLES terms, relative to the largest input, in units of the channel's deviation, times its scale.
    expectClose(y, expected.y, (i) => {
      const c = i % CHANNELS;
      const gain = Math.abs(SCALE[c]) / Math.sqrt(expected.unbiasedVariance[c]);
      return SAMPLES * FLOAT32_EPSILON * (gain * largestOf(X, c) + Math.abs(OFFSET[c]));
    });
  });

  it('gives the mean and the unbiased variance, as tensors that outlive its scope', () => {
    const given: tf.Tensor[] = [];
    tf.tidy(() => batchNormTraining(tensors(), ({ mean, variance }) => given.push(mean, variance)));
    const [mean, variance] = given.map((tensor) => tensor.dataSync<'float32'>());
    const expected = reference(INPUTS);
    expectClose(mean, expected.mean, (c) => SAMPLES * FLOAT32_EPSILON * largestOf(X, c));
    // Far below 1/SAMPLES, which is what n in place of n − 1 would be off by.
    expectClose(
      variance,
      expected.unbiasedVariance,
      (c) => 2 * SAMPLES * FLOAT32_EPSILON * expected.unbiasedVariance[c],
    );
    tf.dispose(given);
  });

  it('of one sample a channel has variance 0, not NaN', () => {
    const variances: number[] = [];
    const y = tf.tidy(() => {
      const inputs = { x: tf.tensor4d([3, -4], [1, 1, 1, 2]), scale: tf.tensor1d([5, 6]), offset: tf.tensor1d([7, 8]) };
      const result = batchNormTraining(inputs, ({ mean, variance }) => {
        variances.push(...variance.dataSync());
        tf.dispose([mean, variance]);
      });
      return [...result.dataSync()];
    });
    expect(y).toEqual([7, 8]);
    expect(variances).toEqual([0, 0]);
  });

  it.each([
    ['x', 0],
    ['scale', 1],
    ['offset', 2],
  ] as const)('has the gradient of its finite differences in %s', (input, position) => {
    const gradient = tf.tidy(() => {
      const { x, scale, offset } = tensors();
      const normalised = (...args: tf.Tensor[]): tf.Tensor =>
        batchNormTraining(
          { x: args[0] as tf.Tensor4D, scale: args[1] as tf.Tensor1D, offset: args[2] as tf.Tensor1D },
          ({ mean, variance }) => tf.dispose([mean, variance]),
        );
      const gradients = tf.grads(normalised)([x, scale, offset], tf.tensor4d(UPSTREAM, SHAPE));
      return gradients[position].dataSync<'float32'>().slice();
    });
    const expected = Array.from(gradient, (_, i) => differenceQuotient(input, i));
    const deviation = reference(INPUTS).unbiasedVariance.map(Math.sqrt);
    expectClose(gradient, expected, (i) => {
      const c = i % CHANNELS;
      // Sums of SAMPLES products of the upstream gradient and the normalised input, for x once more over the deviation; and
      // the difference quotient's own error: rounding of a float64 sum over its step.
      const normalised = largestOf(X, c) / deviation[c];
      const sums = SAMPLES * largestOf(UPSTREAM, c) * Math.max(1, normalised) * FLOAT32_EPSILON;
      const rounding = (X.length * 2 ** -52 * 100) / 1e-4;
      return (
        (input === 'x' ? (sums * Math.abs(SCALE[c]) * normalised) / deviation[c] : sums * SAMPLES ** 0.5) + rounding
      );
    });
  });

  it('leaves no tensor behind but those it gives', () => {
    const inputs = tensors();
    const before = tf.memory().numTensors;
    const given: tf.Tensor[] = [];
    const y = tf.tidy(() => batchNormTraining(inputs, ({ mean, variance }) => given.push(mean, variance)));
    tf.dispose([y, given]);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose(inputs);
  });
});
