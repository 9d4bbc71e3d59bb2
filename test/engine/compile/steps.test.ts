import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { pgdStep, type PgdStepInputs } from '../../../src/main/engine/attacks/pgd.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { compile, type CompiledStep } from '../../../src/main/engine/compile/compile.ts';
import { flatten } from '../../../src/main/engine/compile/tensorTree.ts';
import { imageTensor } from '../../../src/main/engine/imageSet.ts';
import { withPrefix } from '../../../src/main/engine/models/arrays.ts';
import { finishedHead, freezeHead, initialHead } from '../../../src/main/engine/models/head.ts';
import { parametersFrom } from '../../../src/main/engine/models/parameters.ts';
import { extract, freeze, initialExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import { oneHotLabels } from '../../../src/main/engine/ops/crossEntropy.ts';
import { noiseSource } from '../../../src/main/engine/ops/standardNormal.ts';
import { adamRates, initialAdam } from '../../../src/main/engine/training/adam.ts';
import type { UnattackedTraining } from '../../../src/main/engine/training/effectiveTraining.ts';
import {
  EXTRACTOR,
  extractorStep,
  HEAD,
  trainable,
  type ExtractorStepInputs,
  type TrainedTensors,
} from '../../../src/main/engine/training/extractorStep.ts';
import { deriveKey } from '../../../src/main/math/philox.ts';
import { nativeIsInstalled } from '../backends/native.ts';
import { toySet } from '../toySet.ts';

const net = { blocks: [1, 1, 1], width: 1 } as const;
const spec = { layers: 4, constraint: 'wn', bound: 1, groupSize: 2, temperature: 1 } as const;
const shape = { spec, inputs: 64, classes: 3 };
const settings: UnattackedTraining = {
  procedure: 'noise',
  epsilon: 0.1,
  learningRate: 1e-3,
  batchSize: 16,
  maxEpochs: 1,
  validationEvery: 1,
  patience: 1,
};
const set = toySet(32);
const indices = Int32Array.from({ length: 16 }, (_, i) => i);

/** The largest difference as a share of the largest value. */
function relativeDifference(actual: tf.Tensor, expected: tf.Tensor): number {
  const values = expected.dataSync<'float32'>();
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
  return actual
    .dataSync<'float32'>()
    .reduce((most, value, i) => Math.max(most, Math.abs(value - values[i]) / largest), 0);
}

/** Rounded to the nearest bfloat16, ties to even, as float32. */
function toBfloat16(x: tf.Tensor): tf.Tensor {
  const words = new Uint32Array(Float32Array.from(x.dataSync<'float32'>()).buffer);
  const rounded = words.map((word) => (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000);
  return tf.tensor(new Float32Array(rounded.buffer), x.shape);
}

/** Each named output of the graph against the same step run op by op. */
function compare<In extends object, Out extends object>(
  step: CompiledStep<In, Out>,
  eager: (inputs: In) => Out,
  { inputs, tolerance }: { inputs: In; tolerance: number },
): void {
  const actual = flatten(step.run(inputs));
  const expected = flatten(eager(inputs));
  expect(step.status()).toEqual({ mode: 'compiled', graphs: 1 });
  expect(actual.names).toEqual(expected.names);
  actual.names.forEach((name, i) => {
    expect(relativeDifference(actual.tensors[i], expected.tensors[i]), name).toBeLessThanOrEqual(tolerance);
  });
  step.dispose();
}

// Sums of at most 576 products (3×3×64), rounded in another order: in relation to the largest, far less than 576·2⁻²⁴.
const ROUNDING = 3.5e-5;

describe.skipIf(!nativeIsInstalled)('compiled steps of the engine agree with eager ones', () => {
  beforeAll(async () => {
    await openBackend('tensorflow');
  });

  it('inference', () => {
    const extractor = freeze(net, initialExtractor(net, 1, 3));
    const step = ({ images }: { images: tf.Tensor4D }): { z: tf.Tensor } => ({ z: extract(extractor, images) });
    compare(compile(step), step, { inputs: { images: imageTensor(set, indices) }, tolerance: ROUNDING });
  });

  it.each([
    // Seven convolutions on the longest way, each of operands rounded to this relative unit twice.
    ['bfloat16', 14 * 2 ** -9, 2 ** -16],
    ['float16', 14 * 2 ** -12, 2 ** -19],
  ] as const)('inference in %s, to its bits; it is another function than float32', (precision, most, least) => {
    const extractor = freeze(net, initialExtractor(net, 1, 3));
    const step = ({ images }: { images: tf.Tensor4D }): { z: tf.Tensor } => ({ z: extract(extractor, images) });
    const low = compile(step, { precision });
    const images = imageTensor(set, indices);
    const [actual, expected] = [low.run({ images }).z, step({ images }).z];
    expect(low.status()).toEqual({ mode: 'compiled', graphs: 1 });
    expect(actual.dtype).toBe('float32');
    expect(relativeDifference(actual, expected)).toBeLessThan(most);
    expect(relativeDifference(actual, expected)).toBeGreaterThan(least);
    expect(low.run({ images }).z.dataSync()).toEqual(actual.dataSync());
    low.dispose();
  });

  it('convolutions in bfloat16 are float32 sums of rounded operands, rounded once; all else is float32', () => {
    const normal = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', seed);
    const [filter, fixed] = [normal([3, 3, 4, 8], 1), normal([2, 6, 6, 8], 2)];
    const conv = (x: tf.Tensor, w: tf.Tensor): tf.Tensor => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same');
    const products = ({ x, dy }: { x: tf.Tensor; dy: tf.Tensor }, w: tf.Tensor) => ({
      forward: conv(x, w),
      byInput: tf.grad((given: tf.Tensor) => conv(given, w))(x, dy),
      byFilter: tf.grad((given: tf.Tensor) => conv(x, given))(w, dy),
      product: tf.matMul(tf.reshape(x, [72, 4]), tf.reshape(w, [72, 4]), false, true),
    });
    const ofConstants = (x: tf.Tensor): tf.Tensor => tf.grad((given: tf.Tensor) => conv(given, filter))(x, fixed);
    const low = compile(
      (given: { x: tf.Tensor; dy: tf.Tensor }) => ({ ...products(given, filter), constant: ofConstants(given.x) }),
      { precision: 'bfloat16' },
    );
    const [x, dy] = [normal([2, 6, 6, 4], 3), normal([2, 6, 6, 8], 4)];
    const { constant, ...actual } = low.run({ x, dy });
    expect(low.status().mode).toBe('compiled');
    const ideal = products({ x: toBfloat16(x), dy: toBfloat16(dy) }, toBfloat16(filter));
    for (const name of ['forward', 'byInput', 'byFilter'] as const) {
      // A float32 sum near the middle of two bfloat16 may go to either: one unit in the last of eight bits.
      expect(relativeDifference(actual[name], toBfloat16(ideal[name])), name).toBeLessThanOrEqual(2 ** -8);
    }
    const exact = products({ x, dy }, filter).product;
    expect(relativeDifference(actual.product, exact)).toBeLessThanOrEqual(ROUNDING);
    expect(relativeDifference(constant, ofConstants(x))).toBeLessThanOrEqual(ROUNDING);
    low.dispose();
  });

  it('and never float32 where bfloat16 was asked for', () => {
    const low = compile(({ x }: { x: tf.Tensor }) => ({ y: tf.mul(x, x.dataSync()[0]) }), { precision: 'bfloat16' });
    expect(() => low.run({ x: tf.scalar(1) })).toThrow(/bfloat16 must run as a graph.*reads a value back/);
  });

  it('the input gradient: a PGD step', async () => {
    const extractor = freeze(net, initialExtractor(net, 1, 3));
    const head = freezeHead(await finishedHead(shape, parametersFrom(initialHead(shape, 3))));
    const settings = { enabled: true, steps: 10, epsilon: 0.5, restarts: 1, randomStart: true };
    const inputs = {
      images: tf.reshape(imageTensor(set, indices), [16, 64]),
      delta: tf.zeros([16, 64]),
      labels: oneHotLabels(set.labels(indices), 3),
    } as PgdStepInputs;
    const step = (given: PgdStepInputs) => pgdStep({ extractor, head, set, settings }, given);
    compare(compile(step), step, { inputs, tolerance: ROUNDING });
  });

  it('training: gradients of the first step, and the loss of several', () => {
    const parameters = parametersFrom({
      ...withPrefix(initialExtractor(net, 1, 3), EXTRACTOR),
      ...withPrefix(initialHead(shape, 3), HEAD),
    });
    const { first, second } = initialAdam(trainable(parameters));
    const step = (inputs: ExtractorStepInputs) => extractorStep({ net, head: shape, settings }, inputs);
    const graph = compile(step);
    let [a, b]: TrainedTensors[] = [
      { parameters, first, second },
      { parameters, first, second },
    ];
    for (let i = 1; i <= 5; i++) {
      const batch = {
        images: imageTensor(set, indices),
        labels: oneHotLabels(set.labels(indices), 3),
        ...noiseSource({ key: deriveKey(1, 'noise', i), first: 0, size: 64 }),
        ...adamRates(i, settings.learningRate),
      };
      const actual = graph.run({ ...a, ...batch });
      const expected = step({ ...b, ...batch });
      if (i === 1) {
        for (const name of Object.keys(first)) {
          expect(relativeDifference(actual.first[name], expected.first[name]), name).toBeLessThanOrEqual(ROUNDING);
        }
      }
      // Adam turns rounding of a gradient near zero into a step of its own size, so later steps agree in the loss.
      expect(relativeDifference(actual.loss, expected.loss)).toBeLessThanOrEqual(1e-4);
      [a, b] = [actual, expected].map((one) => ({
        parameters: one.parameters,
        first: one.first,
        second: one.second,
      }));
    }
    expect(graph.status()).toEqual({ mode: 'compiled', graphs: 1 });
    graph.dispose();
  });
});
