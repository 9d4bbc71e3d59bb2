import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TrainingSettings } from '../../../src/shared/config.ts';
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
const settings: TrainingSettings = {
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

  it('the input gradient: a PGD step', () => {
    const extractor = freeze(net, initialExtractor(net, 1, 3));
    const head = freezeHead(finishedHead(shape, parametersFrom(initialHead(shape, 3))));
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
