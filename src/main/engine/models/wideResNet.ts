import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, fillStandardNormal } from '../../math/philox.ts';
import type { Precision } from '../../../shared/config.ts';
import { batchNormTraining, type BatchStatistics } from '../ops/batchNorm.ts';
import { BATCH_NORM_EPSILON } from '../ops/batchNormEpsilon.ts';
import { biasAdd } from '../ops/biasAdd.ts';
import { relu } from '../ops/relu.ts';
import type { NamedArray, NamedArrays } from './arrays.ts';
import { foldBatchNorms } from './foldBatchNorms.ts';
import { parametersFrom, type Parameters } from './parameters.ts';
import { blocksOf, needsProjection, representationSize, STEM_CHANNELS, type WideResNet } from './wideResNetShape.ts';

/** Fresh parameters: He-normal convolutions, unit batch norm; running statistics end in `.mean` and `.variance`. */
export function initialExtractor(net: WideResNet, channels: number, seed: number): NamedArrays {
  const arrays: Record<string, NamedArray> = {};
  const convolution = (name: string, kernel: number, inputs: number, outputs: number): void => {
    const data = new Float32Array(kernel * kernel * inputs * outputs);
    fillStandardNormal(data, deriveKey(seed, 'initial-weights', name), 0);
    const deviation = Math.sqrt(2 / (kernel * kernel * inputs));
    arrays[name] = { shape: [kernel, kernel, inputs, outputs], data: data.map((v) => v * deviation) };
  };
  const norm = (name: string, size: number): void => {
    arrays[`${name}.scale`] = { shape: [size], data: new Float32Array(size).fill(1) };
    arrays[`${name}.offset`] = { shape: [size], data: new Float32Array(size) };
    arrays[`${name}.mean`] = { shape: [size], data: new Float32Array(size) };
    arrays[`${name}.variance`] = { shape: [size], data: new Float32Array(size).fill(1) };
  };
  convolution('stem.weight', 3, channels, STEM_CHANNELS);
  for (const block of blocksOf(net)) {
    norm(`${block.name}.norm1`, block.inputs);
    convolution(`${block.name}.conv1.weight`, 3, block.inputs, block.outputs);
    norm(`${block.name}.norm2`, block.outputs);
    convolution(`${block.name}.conv2.weight`, 3, block.outputs, block.outputs);
    if (needsProjection(block)) convolution(`${block.name}.projection.weight`, 1, block.inputs, block.outputs);
  }
  norm('norm', representationSize(net));
  return arrays;
}

export function isRunningStatistic(name: string): boolean {
  return name.endsWith('.mean') || name.endsWith('.variance');
}

/** What training and inference do differently. */
interface Layers {
  /** Zero padding, so that the size is that of the input over the stride. */
  readonly conv: (x: tf.Tensor4D, name: string, stride: 1 | 2) => tf.Tensor4D;
  /** Normalises, then ReLU. */
  readonly normRelu: (x: tf.Tensor4D, name: string) => tf.Tensor4D;
}

function forward(net: WideResNet, images: tf.Tensor4D, { conv, normRelu }: Layers): tf.Tensor2D {
  let x = conv(images, 'stem', 1); // [N, H, W, 16]
  for (const block of blocksOf(net)) {
    const active = normRelu(x, `${block.name}.norm1`);
    const shortcut = needsProjection(block) ? conv(active, `${block.name}.projection`, block.stride) : x;
    const inner = normRelu(conv(active, `${block.name}.conv1`, block.stride), `${block.name}.norm2`);
    x = tf.add(conv(inner, `${block.name}.conv2`, 1), shortcut); // [N, H/stride, W/stride, outputs]
  }
  return tf.mean(normRelu(x, 'norm'), [1, 2]); // [N, D]
}

const convolve = (parameters: Parameters, x: tf.Tensor4D, name: string, stride: 1 | 2): tf.Tensor4D =>
  tf.conv2d(x, parameters[`${name}.weight`] as tf.Tensor4D, stride, 'same');

/**
 * Representations in training mode: batch norm by the batch's statistics.
 * @param images [N, H, W, C], normalised
 * @param onStatistics is given each batch norm's statistics, kept: the caller disposes of them
 */
export function extractTraining(
  net: WideResNet,
  { parameters, images }: { parameters: Parameters; images: tf.Tensor4D },
  onStatistics: (name: string, statistics: BatchStatistics) => void,
): tf.Tensor2D {
  return forward(net, images, {
    conv: (x, name, stride) => convolve(parameters, x, name, stride),
    normRelu: (x, name) => {
      const scale = parameters[`${name}.scale`] as tf.Tensor1D;
      const offset = parameters[`${name}.offset`] as tf.Tensor1D;
      return relu(batchNormTraining({ x, scale, offset }, (statistics) => onStatistics(name, statistics)));
    },
  });
}

/** A frozen extractor f: running statistics folded into the convolutions before, or into one gain and shift a channel. */
export interface FrozenExtractor {
  readonly net: WideResNet;
  readonly parameters: Parameters;
  /** What its convolutions compute in; every step that runs it is compiled in this. */
  readonly precision: Precision;
}

/** Its parameters by foldBatchNorms, on the device. */
export function freeze(net: WideResNet, trained: NamedArrays, precision: Precision = 'float32'): FrozenExtractor {
  return { net, parameters: parametersFrom(foldBatchNorms(net, trained)), precision };
}

/**
 * Parameters for `extract` of an extractor in training, as tensors in one step: convolutions as they are, a gain and a shift for every norm.
 */
export function inferenceParameters(trained: Parameters): Parameters {
  const parameters: Record<string, tf.Tensor> = {};
  for (const [name, tensor] of Object.entries(trained)) {
    if (name.endsWith('.weight')) parameters[name] = tensor;
    if (!name.endsWith('.scale')) continue;
    const norm = name.slice(0, -'.scale'.length);
    const gain = tf.mul(tensor, tf.rsqrt(tf.add(trained[`${norm}.variance`], BATCH_NORM_EPSILON)));
    parameters[`${norm}.gain`] = gain;
    parameters[`${norm}.shift`] = tf.sub(trained[`${norm}.offset`], tf.mul(trained[`${norm}.mean`], gain));
  }
  return parameters;
}

/**
 * Representations f(x), [N, D], of a frozen extractor; differentiable in the images, and no weight gradient is ever
 * computed since none is asked for.
 * @param images [N, H, W, C], normalised
 */
export function extract({ net, parameters }: Omit<FrozenExtractor, 'precision'>, images: tf.Tensor4D): tf.Tensor2D {
  return tf.tidy(() =>
    forward(net, images, {
      conv: (x, name, stride) => {
        const sum = convolve(parameters, x, name, stride);
        const bias = `${name}.bias`;
        return bias in parameters ? biasAdd(sum, parameters[bias]) : sum;
      },
      normRelu: (x, name) => {
        const gain = `${name}.gain`;
        return relu(gain in parameters ? tf.add(tf.mul(x, parameters[gain]), parameters[`${name}.shift`]) : x);
      },
    }),
  );
}
