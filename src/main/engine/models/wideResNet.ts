import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, fillStandardNormal } from '../../math/philox.ts';
import type { Precision } from '../../../shared/config.ts';
import { BATCH_NORM_EPSILON, batchNormTraining, type BatchStatistics } from '../ops/batchNorm.ts';
import { relu } from '../ops/relu.ts';
import { representationSize, type WideResNet } from './wideResNetShape.ts';
import type { NamedArray, NamedArrays } from './arrays.ts';
import type { Parameters } from './parameters.ts';

const STEM_CHANNELS = 16;
const STAGE_STRIDES = [1, 2, 2] as const;

interface Block {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: 1 | 2;
}

function blocksOf({ blocks, width }: WideResNet): Block[] {
  let inputs = STEM_CHANNELS;
  return blocks.flatMap((count, stage) =>
    Array.from({ length: count }, (_, index) => {
      const outputs = STEM_CHANNELS * 2 ** stage * width;
      const block: Block = {
        name: `stage${stage + 1}.block${index + 1}`,
        inputs,
        outputs,
        stride: index === 0 ? STAGE_STRIDES[stage] : 1,
      };
      inputs = outputs;
      return block;
    }),
  );
}

const needsProjection = ({ inputs, outputs, stride }: Block): boolean => inputs !== outputs || stride !== 1;

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

/** Normalises, then ReLU; how the statistics are had differs between training and inference. */
type NormRelu = (x: tf.Tensor4D, name: string) => tf.Tensor4D;

function forward(net: WideResNet, parameters: Parameters, images: tf.Tensor4D, normRelu: NormRelu): tf.Tensor2D {
  const conv = (x: tf.Tensor4D, name: string, stride: 1 | 2): tf.Tensor4D =>
    tf.conv2d(x, parameters[name] as tf.Tensor4D, stride, 'same');
  let x = conv(images, 'stem.weight', 1); // [N, H, W, 16]
  for (const block of blocksOf(net)) {
    const active = normRelu(x, `${block.name}.norm1`);
    const shortcut = needsProjection(block) ? conv(active, `${block.name}.projection.weight`, block.stride) : x;
    const inner = normRelu(conv(active, `${block.name}.conv1.weight`, block.stride), `${block.name}.norm2`);
    x = tf.add(conv(inner, `${block.name}.conv2.weight`, 1), shortcut); // [N, H/stride, W/stride, outputs]
  }
  return tf.mean(normRelu(x, 'norm'), [1, 2]); // [N, D]
}

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
  return forward(net, parameters, images, (x, name) => {
    const scale = parameters[`${name}.scale`] as tf.Tensor1D;
    const offset = parameters[`${name}.offset`] as tf.Tensor1D;
    return relu(batchNormTraining({ x, scale, offset }, (statistics) => onStatistics(name, statistics)));
  });
}

/** A frozen extractor f: running statistics folded into one gain and shift a channel, or into the convolution before. */
export interface FrozenExtractor {
  readonly net: WideResNet;
  readonly parameters: Parameters;
  /** What its convolutions compute in; every step that runs it is compiled in this. */
  readonly precision: Precision;
}

/**
 * Folds batch norm for inference: the one after conv1 goes into that convolution and a bias, the others become
 * x·gain + shift. Computed in float64 on the host.
 */
export function freeze(net: WideResNet, trained: NamedArrays, precision: Precision = 'float32'): FrozenExtractor {
  const folded: Record<string, tf.Tensor> = {};
  const gainAndShift = (name: string): { gain: Float64Array; shift: Float64Array } => {
    const read = (part: string): Float32Array => trained[`${name}.${part}`].data;
    const gain = Float64Array.from(read('scale'), (s, i) => s / Math.sqrt(read('variance')[i] + BATCH_NORM_EPSILON));
    const shift = Float64Array.from(read('offset'), (o, i) => o - read('mean')[i] * gain[i]);
    return { gain, shift };
  };
  const copy = (name: string): void => {
    const array = trained[name];
    folded[name] = tf.tensor(array.data, [...array.shape]);
  };
  const affine = (name: string): void => {
    const { gain, shift } = gainAndShift(name);
    folded[`${name}.gain`] = tf.tensor1d(Float32Array.from(gain));
    folded[`${name}.shift`] = tf.tensor1d(Float32Array.from(shift));
  };
  copy('stem.weight');
  for (const block of blocksOf(net)) {
    affine(`${block.name}.norm1`);
    const { gain, shift } = gainAndShift(`${block.name}.norm2`);
    const weight = trained[`${block.name}.conv1.weight`];
    // The output channel is the last axis, so element i belongs to channel i mod outputs.
    const scaled = weight.data.map((v, i) => v * gain[i % block.outputs]);
    folded[`${block.name}.conv1.weight`] = tf.tensor(scaled, [...weight.shape]);
    folded[`${block.name}.norm2.shift`] = tf.tensor1d(Float32Array.from(shift));
    copy(`${block.name}.conv2.weight`);
    if (needsProjection(block)) copy(`${block.name}.projection.weight`);
  }
  affine('norm');
  return { net, parameters: folded, precision };
}

/**
 * Representations f(x), [N, D], of a frozen extractor; differentiable in the images, and no weight gradient is ever
 * computed since none is asked for.
 * @param images [N, H, W, C], normalised
 */
export function extract({ net, parameters }: Omit<FrozenExtractor, 'precision'>, images: tf.Tensor4D): tf.Tensor2D {
  return tf.tidy(() =>
    forward(net, parameters, images, (x, name) => {
      const gain = `${name}.gain`;
      const scaled = gain in parameters ? tf.mul(x, parameters[gain]) : x;
      return relu(tf.add(scaled, parameters[`${name}.shift`]));
    }),
  );
}
