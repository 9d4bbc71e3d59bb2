import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ExtractorPreset } from '../../../src/shared/config.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import type { NamedArrays } from '../../../src/main/engine/models/arrays.ts';
import { disposeParameters, parametersFrom } from '../../../src/main/engine/models/parameters.ts';
import {
  extract,
  extractTraining,
  freeze,
  initialExtractor,
  isRunningStatistic,
} from '../../../src/main/engine/models/wideResNet.ts';
import { representationSize, WIDE_RES_NETS } from '../../../src/main/engine/models/wideResNetShape.ts';
import { deriveKey, fillStandardNormal } from '../../../src/main/math/philox.ts';
import { ONE_BLOCK_A_STAGE, referenceExtract, withTrainedNorms } from './referenceWideResNet.ts';

const FLOAT32_EPSILON = 2 ** -23;
const NET = { blocks: [1, 1, 1], width: 1 } as const;
const D = 64;

beforeAll(async () => {
  await openBackend();
});

function normals(count: number, ...labels: (string | number)[]): Float32Array {
  const values = new Float32Array(count);
  fillStandardNormal(values, deriveKey(4, ...labels), 0);
  return values;
}

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Names of the convolutions, and the number of trained parameters: running statistics are none. */
function contents(arrays: NamedArrays): { convolutions: string[]; parameters: number } {
  const trained = Object.entries(arrays).filter(([name]) => !isRunningStatistic(name));
  return {
    convolutions: trained.map(([name]) => name).filter((name) => name.endsWith('.weight')),
    parameters: trained.reduce((sum, [, { data }]) => sum + data.length, 0),
  };
}

interface Size {
  readonly convolutions: number;
  readonly projections: number;
  readonly parameters: number;
}

describe('the presets on three channels', () => {
  // Counted apart from the code, layer by layer; wrn-28-10 comes to 36,472,784 the same way, the authors' 36.5 million.
  it.each<[ExtractorPreset, number, Size]>([
    ['wrn-10-1', 64, { convolutions: 9, projections: 2, parameters: 77_200 }],
    ['wrn-10-2', 128, { convolutions: 10, projections: 3, parameters: 302_416 }],
    ['wrn-16-4', 256, { convolutions: 16, projections: 3, parameters: 2_746_320 }],
    ['wrn-32-10', 640, { convolutions: 32, projections: 3, parameters: 38_778_704 }],
  ])('%s: D = %i, %j', (preset, d, expected) => {
    const net = WIDE_RES_NETS[preset];
    const { convolutions, parameters } = contents(initialExtractor(net, 3, 0));
    const projections = convolutions.filter((name) => name.includes('projection')).length;
    expect({ convolutions: convolutions.length, projections, parameters }).toEqual(expected);
    expect(representationSize(net)).toBe(d);
  });
});

describe('fresh parameters', () => {
  const arrays = initialExtractor(WIDE_RES_NETS['wrn-10-2'], 1, 3);

  it('are the same for a seed and differ between seeds and layers', () => {
    expect(initialExtractor(WIDE_RES_NETS['wrn-10-2'], 1, 3)).toEqual(arrays);
    const other = initialExtractor(WIDE_RES_NETS['wrn-10-2'], 1, 4);
    expect(other['stem.weight'].data).not.toEqual(arrays['stem.weight'].data);
    const [one, two] = ['stage1.block1.conv2.weight', 'stage2.block1.conv2.weight'].map((name) => arrays[name].data);
    expect(two.subarray(0, 100)).not.toEqual(one.subarray(0, 100));
  });

  it('have convolutions of variance 2 / (inputs of a unit), within five standard errors', () => {
    for (const [name, { shape, data }] of Object.entries(arrays).filter(([key]) => key.endsWith('.weight'))) {
      const [kernel, , inputs] = shape;
      const variance = data.reduce((sum, v) => sum + v * v, 0) / data.length;
      const expected = 2 / (kernel * kernel * inputs);
      expect(Math.abs(variance / expected - 1), name).toBeLessThan(5 * Math.sqrt(2 / data.length));
    }
  });
});

/** Odd and even sizes: `same` padding and stride 2 treat them differently. */
const SIZES = [
  [8, 8, 1],
  [7, 10, 3],
] as const;

function trainedNet(channels: number): NamedArrays {
  return withTrainedNorms(initialExtractor(NET, channels, 5));
}

describe('a frozen extractor', () => {
  it.each(SIZES)('is the unfolded network in float64: images of %i×%i×%i', (height, width, channels) => {
    const trained = trainedNet(channels);
    const images = normals(3 * height * width * channels, 'images');
    const frozen = freeze(NET, trained);
    const z = tf.tidy(() => extract(frozen, tf.tensor4d(images, [3, height, width, channels])));
    expect(z.shape).toEqual([3, D]);
    const actual = z.arraySync();
    for (let n = 0; n < 3; n++) {
      const values = Float64Array.from(images.subarray((n * images.length) / 3, ((n + 1) * images.length) / 3));
      const expected = referenceExtract(trained, { height, width, channels, values }, ONE_BLOCK_A_STAGE);
      // Ten layers, each a sum of at most 9·64 products whose roundings add like the root of their number: 10·24·ε < 3e-5 of
      // the largest, and an average over pixels takes most of it away again.
      for (let i = 0; i < D; i++)
        expect(Math.abs(actual[n][i] - expected[i])).toBeLessThanOrEqual(1e-5 * largest(expected));
    }
    z.dispose();
    disposeParameters(frozen.parameters);
  });

  it('has the input gradient of the float64 network’s finite differences, along twelve directions', () => {
    const [height, width, channels] = [8, 8, 1];
    const trained = trainedNet(channels);
    const image = normals(height * width * channels, 'image');
    const upstream = normals(D, 'upstream');
    const frozen = freeze(NET, trained);
    const gradient = tf.tidy(() => {
      const loss = (x: tf.Tensor): tf.Tensor =>
        tf.sum(tf.mul(extract(frozen, tf.reshape(x, [1, height, width, channels])), tf.tensor1d(upstream)));
      return tf.grad(loss)(tf.tensor1d(image)).dataSync<'float32'>().slice();
    });
    disposeParameters(frozen.parameters);
    const loss = (values: Float64Array): number =>
      referenceExtract(trained, { height, width, channels, values }, ONE_BLOCK_A_STAGE).reduce(
        (sum, z, i) => sum + z * upstream[i],
        0,
      );
    const norm = Math.hypot(...gradient);
    for (let k = 0; k < 12; k++) {
      const random = normals(image.length, 'direction', k);
      const length = Math.hypot(...random);
      const direction = Float64Array.from(random, (v) => v / length);
      const step = 1e-6;
      const at = (sign: number): number => loss(Float64Array.from(image, (v, i) => v + sign * step * direction[i]));
      const quotient = (at(1) - at(-1)) / (2 * step);
      const along = direction.reduce((sum, v, i) => sum + v * gradient[i], 0);
      // Piecewise linear, so the quotient is exact but for float64 rounding, 1e-16 / 1e-6 of the loss; the gradient's own
      // float32 roundings are those of twenty layers, there and back: 20·24·ε of its norm.
      expect(Math.abs(along - quotient)).toBeLessThanOrEqual(20 * 24 * FLOAT32_EPSILON * norm + 1e-8);
    }
  });

  it('leaves no tensor behind but the representations', () => {
    const before = tf.memory().numTensors;
    const frozen = freeze(NET, trainedNet(1));
    tf.dispose(tf.tidy(() => extract(frozen, tf.zeros([2, 8, 8, 1]))));
    disposeParameters(frozen.parameters);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('an extractor in training', () => {
  it('is the frozen one under the statistics of its batch, and reports those of every norm', () => {
    const batch = 4;
    const trained = trainedNet(1);
    const images = tf.tensor4d(normals(batch * 8 * 8, 'images'), [batch, 8, 8, 1]);
    const parameters = parametersFrom(trained);
    const statistics: Record<string, { shape: number[]; data: Float32Array }> = {};
    // Samples a channel: the batch's pixels, a quarter of them after each stride.
    const samples: Record<string, number> = { 'stage2.block1.norm2': 64, 'stage3.block1.norm1': 64 };
    samples['stage3.block1.norm2'] = samples['norm'] = 16;
    const z = tf.tidy(() =>
      extractTraining(NET, { parameters, images }, (name, { mean, variance }) => {
        const n = samples[name] ?? 256;
        statistics[`${name}.mean`] = { shape: mean.shape, data: mean.dataSync<'float32'>().slice() };
        // Normalising is by the biased variance, running statistics take the unbiased one.
        const biased = variance.dataSync<'float32'>().map((v) => v * ((n - 1) / n));
        statistics[`${name}.variance`] = { shape: variance.shape, data: biased };
        tf.dispose([mean, variance]);
      }),
    );
    expect(Object.keys(statistics).sort()).toEqual(Object.keys(trained).filter(isRunningStatistic).sort());
    const frozen = freeze(NET, { ...trained, ...statistics });
    const expected = tf.tidy(() => extract(frozen, images).dataSync<'float32'>().slice());
    const actual = z.dataSync<'float32'>();
    for (let i = 0; i < expected.length; i++) {
      expect(Math.abs(actual[i] - expected[i])).toBeLessThanOrEqual(1e-5 * largest(expected));
    }
    disposeParameters(frozen.parameters);
    disposeParameters(parameters);
    tf.dispose([images, z]);
  });
});
