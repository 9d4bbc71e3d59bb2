import * as tf from '@tensorflow/tfjs-core';
import { pgdStep, relativeStepOf, type PgdStepInputs } from '../../src/main/engine/attacks/pgd.ts';
import { compile, type CompiledStep, type CompileStatus } from '../../src/main/engine/compile/compile.ts';
import { flatten, type NamedTensors } from '../../src/main/engine/compile/tensorTree.ts';
import { withPrefix, type NamedArrays } from '../../src/main/engine/models/arrays.ts';
import { disposeHead, freezeHead } from '../../src/main/engine/models/head.ts';
import { disposeParameters, parametersFrom } from '../../src/main/engine/models/parameters.ts';
import { extract, freeze } from '../../src/main/engine/models/wideResNet.ts';
import type { WideResNet } from '../../src/main/engine/models/wideResNetShape.ts';
import { oneHotLabels } from '../../src/main/engine/ops/crossEntropy.ts';
import { noiseSource } from '../../src/main/engine/ops/standardNormal.ts';
import { takeValues } from '../../src/main/engine/readBack.ts';
import type { UnattackedTraining } from '../../src/main/engine/training/effectiveTraining.ts';
import { adamRates, initialAdam } from '../../src/main/engine/training/adam.ts';
import {
  EXTRACTOR,
  extractorStep,
  HEAD,
  trainable,
  type ExtractorStepInputs,
} from '../../src/main/engine/training/extractorStep.ts';
import type { HeadWeights } from '../../src/shared/results.ts';
import type { Contestant } from '../measure.ts';

/** What a batch of the benches is made of: the very arrays that the reference loads too. */
export interface BatchInputs {
  readonly net: WideResNet;
  readonly extractor: NamedArrays;
  /** One layer, unconstrained. */
  readonly head: HeadWeights;
  /** [N, H, W, C], normalised */
  readonly images: Float32Array;
  readonly shape: readonly [number, number, number, number];
  /** [N, H·W·C] */
  readonly delta: Float32Array;
  readonly labels: Int32Array;
}

export const PGD = { enabled: true, steps: 50, epsilon: 0.1, restarts: 1, randomStart: true } as const;
export const RELATIVE_STEP = relativeStepOf(PGD);
export const LEARNING_RATE = 1e-4;

/** One of our steps, ready to run; whoever opens it disposes of it. */
export interface Step<Values> {
  /** Does the step and reads back what it gives to the host, as the workbench does. */
  readonly once: () => Promise<Values>;
  readonly status: () => CompileStatus;
  readonly dispose: () => void;
}

/** What makes a step out of a function of tensors. */
type Maker = <In extends NamedTensors<In>, Out extends NamedTensors<Out>>(
  step: (inputs: In) => Out,
) => CompiledStep<In, Out>;

export const inBfloat16: Maker = (step) => compile(step, { precision: 'bfloat16' });

/** Runs a step op by op, for what compiling is compared with. */
export const opByOp: Maker = <In extends NamedTensors<In>, Out extends NamedTensors<Out>>(
  step: (inputs: In) => Out,
): CompiledStep<In, Out> => ({
  run: (inputs) => {
    let outputs: Out | null = null;
    tf.tidy(() => flatten((outputs = step(inputs))).tensors);
    return outputs!;
  },
  status: () => ({ mode: 'eager', reason: 'It was asked for.' }),
  dispose: () => undefined,
});

/** Milliseconds: on the wall, or of all processors together, which tells what a busy machine hides. */
export type Clock = () => number;
export const wallClock: Clock = () => performance.now();
export const processorClock: Clock = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** A contestant that does a step some times over. */
export function contestantOf<Values>(
  { name, calls, clock = wallClock }: { readonly name: string; readonly calls: number; readonly clock?: Clock },
  step: Step<Values>,
): Contestant {
  return {
    name,
    repeat: async () => {
      const started = clock();
      for (let i = 0; i < calls; i++) await step.once();
      return (clock() - started) / calls;
    },
  };
}

/** @throws Error where a step that has run is no graph: its times would be told as a graph's */
export function requireGraph<Values>(name: string, step: Step<Values>): void {
  const status = step.status();
  if (status.mode === 'eager') throw new Error(`bench: ${name} did not run as a graph: ${status.reason}`);
}

/** Representations of a batch, the weights constants of the graph. */
export function inferenceStep(
  inputs: Pick<BatchInputs, 'net' | 'extractor' | 'images' | 'shape'>,
  make: Maker = compile,
): Step<Float32Array> {
  const frozen = freeze(inputs.net, inputs.extractor);
  const step = make((given: { images: tf.Tensor4D }) => ({ z: extract(frozen, given.images) }));
  const images = tf.tensor4d(inputs.images, [...inputs.shape]);
  return {
    once: () => takeValues(step.run({ images }).z),
    status: () => step.status(),
    dispose: () => {
      step.dispose();
      images.dispose();
      disposeParameters(frozen.parameters);
    },
  };
}

/** A PGD step from a given perturbation: the next one. */
export function attackStep(inputs: BatchInputs, make: Maker = compile): Step<Float32Array> {
  const [rows, height, width, channels] = inputs.shape;
  const extractor = freeze(inputs.net, inputs.extractor);
  const head = freezeHead(inputs.head);
  const set = { shape: { height, width, channels } };
  const step = make((given: PgdStepInputs) => pgdStep({ extractor, head, set, settings: PGD }, given));
  const fed = {
    images: tf.tensor2d(inputs.images, [rows, height * width * channels]),
    delta: tf.tensor2d(inputs.delta, [rows, height * width * channels]),
    labels: oneHotLabels(inputs.labels, head.classes),
  };
  return {
    once: async () => {
      const { next, logits, gradientNorms } = step.run(fed);
      await takeValues(logits);
      await takeValues(gradientNorms);
      return takeValues(next);
    },
    status: () => step.status(),
    dispose: () => {
      step.dispose();
      tf.dispose(fed);
      disposeParameters(extractor.parameters);
      disposeHead(head);
    },
  };
}

/** Training steps one after the other, each from where the last one ended: the loss of each. */
export function trainingStep(
  inputs: BatchInputs,
  {
    procedure = 'normal',
    make = compile,
  }: { readonly procedure?: UnattackedTraining['procedure']; readonly make?: Maker } = {},
): Step<number> {
  const { net, head } = inputs;
  const [{ inputs: size, outputs: classes }] = head.layers;
  const spec = { layers: 1, constraint: 'none', bound: 1, groupSize: 2, temperature: 1 } as const;
  const settings = {
    procedure,
    epsilon: PGD.epsilon,
    learningRate: LEARNING_RATE,
    batchSize: inputs.shape[0],
    maxEpochs: 1,
    validationEvery: 1,
    patience: 1,
  } as const;
  const shape = { spec, inputs: size, classes };
  const step = make((given: ExtractorStepInputs) => extractorStep({ net, head: shape, settings }, given));
  const images = tf.tensor4d(inputs.images, [...inputs.shape]);
  const labels = oneHotLabels(inputs.labels, classes);
  const noise = noiseSource({ key: [0, 0], first: 0, size: images.size / inputs.shape[0] });
  const parameters = parametersFrom(trainingArrays(inputs));
  const { first, second } = initialAdam(trainable(parameters));
  let state = { parameters, first, second };
  let done = 0;
  return {
    once: async () => {
      const rates = adamRates(++done, LEARNING_RATE);
      const { loss, ...next } = step.run({ ...state, images, labels, ...noise, ...rates });
      tf.dispose([{ ...rates }, state]);
      state = next;
      return (await takeValues(loss))[0];
    },
    status: () => step.status(),
    dispose: () => {
      step.dispose();
      tf.dispose([state, images, labels, { ...noise }]);
    },
  };
}

/** Extractor and head under the names of a training step. */
export function trainingArrays({ extractor, head }: Pick<BatchInputs, 'extractor' | 'head'>): NamedArrays {
  const [{ inputs, outputs, weight, bias }] = head.layers;
  const layer = {
    'layer1.direction': { shape: [outputs, inputs], data: weight },
    'layer1.bias': { shape: [outputs], data: bias },
  };
  return { ...withPrefix(extractor, EXTRACTOR), ...withPrefix(layer, HEAD) };
}
