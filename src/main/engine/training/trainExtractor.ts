import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, shuffledIndices } from '../../math/philox.ts';
import type { HeadWeights } from '../../../shared/results.ts';
import type { StageContext } from '../context.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { compile, type CompiledStep } from '../compile/compile.ts';
import { batches, imageTensor } from '../imageSet.ts';
import { finishedHead, initialHead } from '../models/head.ts';
import type { HeadShape } from '../models/headShape.ts';
import { withoutPrefix, withPrefix, type NamedArrays } from '../models/arrays.ts';
import { arraysFrom, disposeParameters, parametersFrom, type Parameters } from '../models/parameters.ts';
import { freeze, initialExtractor } from '../models/wideResNet.ts';
import type { WideResNet } from '../models/wideResNetShape.ts';
import { oneHotLabels } from '../ops/crossEntropy.ts';
import { noiseSource } from '../ops/standardNormal.ts';
import { Passes } from '../passes.ts';
import { adamRates, initialAdam } from './adam.ts';
import { checkpointFrom, disposeState, restoreCheckpoint, type Checkpoint, type TrainingState } from './checkpoint.ts';
import { exhausted, INITIAL_PATIENCE, observe, validates } from './earlyStopping.ts';
import type { EffectiveTraining } from './effectiveTraining.ts';
import {
  EXTRACTOR,
  extractorStep,
  HEAD,
  trainable,
  validationStep,
  type ExtractorStepInputs,
  type StepResult,
  type ValidationInputs,
} from './extractorStep.ts';
import { measure, MEASURE_BATCH, type Measurement } from './measure.ts';
import { takeStep } from './takeStep.ts';
import { normalsPerImage } from './trainingAttack.ts';

export interface EpochReport {
  /** 1-based. */
  readonly epoch: number;
  readonly trainingLoss: number;
  /** Null for an epoch without validation. */
  readonly validation: Measurement | null;
  readonly seconds: number;
}

export interface TrainExtractorInputs {
  readonly net: WideResNet;
  readonly head: HeadShape;
  readonly training: DomainImages;
  readonly validation: DomainImages;
  readonly settings: EffectiveTraining;
  readonly seed: number;
  /** Where to go on from; null starts afresh. */
  readonly checkpoint: Checkpoint | null;
}

export interface TrainExtractorContext extends StageContext {
  epoch(report: EpochReport, checkpoint: Checkpoint): void;
}

/**
 * Trains extractor and head together on the source domain (METHOD.md §2): Adam on the cross-entropy of perturbed
 * inputs, validation loss on clean ones (on noisy ones under `gaussian`), early stopping, best weights restored. Every random choice is keyed by
 * (seed, epoch, step), so a run resumed from a checkpoint is the run it would have been.
 */
export async function trainExtractor(
  inputs: TrainExtractorInputs,
  context: TrainExtractorContext,
): Promise<{ extractor: NamedArrays; head: HeadWeights }> {
  const validate = compile((tensors: ValidationInputs) => validationStep(inputs, tensors));
  const steps: Steps = {
    train: compile((tensors: ExtractorStepInputs) => extractorStep(inputs, tensors)),
    validate,
    passes: new Passes({ rows: MEASURE_BATCH, of: 'validation', release: () => validate.dispose() }, context),
  };
  try {
    return await trainWith(steps, inputs, context);
  } finally {
    steps.train.dispose();
    steps.validate.dispose();
  }
}

async function trainWith(
  steps: Steps,
  inputs: TrainExtractorInputs,
  context: TrainExtractorContext,
): Promise<{ extractor: NamedArrays; head: HeadWeights }> {
  const { settings, seed } = inputs;
  let state = inputs.checkpoint === null ? freshState(inputs) : restoreCheckpoint(inputs.checkpoint);
  const stepsPerEpoch = Math.ceil(inputs.training.count / settings.batchSize);
  try {
    while (!exhausted(state.patience, state.epoch, settings)) {
      const started = performance.now();
      const epoch = state.epoch + 1;
      const order = shuffledIndices(inputs.training.count, deriveKey(seed, 'extractor-order', epoch));
      let lossSum = 0;
      let step = 0;
      for (const indices of batches(order, settings.batchSize)) {
        const { loss, next } = await trainingStep(inputs, state, { indices, epoch, step, train: steps.train });
        disposeState(state);
        state = next;
        lossSum += loss * indices.length;
        step++;
        context.progress((epoch - 1) * stepsPerEpoch + step, settings.maxEpochs * stepsPerEpoch);
        await context.breathe();
      }
      state = { ...state, epoch };
      let validation: Measurement | null = null;
      if (validates(epoch, settings)) {
        validation = await validate(inputs, state.parameters, steps);
        const { patience, improved } = observe(state.patience, epoch, validation.loss);
        state = { ...state, patience, best: improved ? await arraysFrom(state.parameters) : state.best };
      }
      const seconds = (performance.now() - started) / 1000;
      const report = { epoch, trainingLoss: lossSum / inputs.training.count, validation, seconds };
      context.epoch(report, await checkpointFrom(state));
    }
    return await finish(inputs, state);
  } finally {
    disposeState(state);
  }
}

function freshState({ net, head, training, seed }: TrainExtractorInputs): TrainingState {
  const parameters = parametersFrom({
    ...withPrefix(initialExtractor(net, training.shape.channels, seed), EXTRACTOR),
    ...withPrefix(initialHead(head, seed), HEAD),
  });
  return { epoch: 0, parameters, adam: initialAdam(trainable(parameters)), patience: INITIAL_PATIENCE, best: null };
}

type TrainStep = CompiledStep<ExtractorStepInputs, StepResult>;
type ValidationStep = CompiledStep<ValidationInputs, { readonly logits: tf.Tensor2D }>;

interface Steps {
  readonly train: TrainStep;
  readonly validate: ValidationStep;
  /** Of validation. */
  readonly passes: Passes;
}

async function trainingStep(
  { training, settings, seed }: TrainExtractorInputs,
  state: TrainingState,
  { indices, epoch, step, train }: { indices: Int32Array; epoch: number; step: number; train: TrainStep },
): Promise<{ loss: number; next: TrainingState }> {
  const { height, width, channels } = training.shape;
  const size = normalsPerImage(settings, height * width * channels);
  const key = deriveKey(seed, 'extractor-noise', epoch, step);
  return takeStep(state, {
    run: (trained) => {
      const fresh = tf.tidy(() => ({
        images: imageTensor(training, indices),
        labels: oneHotLabels(training.labels(indices), training.classes),
        ...noiseSource({ key, first: 0, size }),
        ...adamRates(state.adam.step + 1, settings.learningRate),
      }));
      try {
        return train.run({ ...trained, ...fresh });
      } finally {
        tf.dispose(fresh);
      }
    },
    batchSize: settings.batchSize,
    setting: 'training.source.batchSize',
  });
}

async function validate(
  { net, head, validation, seed }: TrainExtractorInputs,
  parameters: Parameters,
  { validate: step, passes }: Steps,
): Promise<Measurement> {
  const extractor = freeze(net, await arraysFrom(withoutPrefix(parameters, EXTRACTOR))).parameters;
  const noise = deriveKey(seed, 'extractor-validation-noise');
  try {
    return await measure(validation, {
      temperature: head.spec.temperature,
      logits: (images, { first, rows }) => {
        // The same draw of an image in every epoch, whatever the pass is that it is in.
        const source = noiseSource({ key: noise, first, size: images.size / rows });
        return step.run({ extractor, head: withoutPrefix(parameters, HEAD), images, ...source }).logits;
      },
      passes,
    });
  } finally {
    disposeParameters(extractor);
  }
}

async function finish(
  { head }: TrainExtractorInputs,
  state: TrainingState,
): Promise<{ extractor: NamedArrays; head: HeadWeights }> {
  const best = state.best ?? (await arraysFrom(state.parameters));
  const headParameters = parametersFrom(withoutPrefix(best, HEAD));
  const result = { extractor: withoutPrefix(best, EXTRACTOR), head: await finishedHead(head, headParameters) };
  disposeParameters(headParameters);
  return result;
}
