import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, shuffledIndices } from '../../math/philox.ts';
import type { Domain, TrainingSettings } from '../../../shared/config.ts';
import type { HeadWeights } from '../../../shared/results.ts';
import type { StageContext } from '../context.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { compile, type CompiledStep } from '../compile/compile.ts';
import { batches, everyIndex, paddedImageTensor, withoutPadding } from '../imageSet.ts';
import { inParts } from '../inParts.ts';
import { finishedHead, headLogits, initialHead, projectHead } from '../models/head.ts';
import type { HeadShape } from '../models/headShape.ts';
import { arraysFrom, disposeParameters, parametersFrom, type Parameters } from '../models/parameters.ts';
import { extract, type FrozenExtractor } from '../models/wideResNet.ts';
import { crossEntropy, oneHotLabels } from '../ops/crossEntropy.ts';
import { noiseSource, type NoiseSource } from '../ops/standardNormal.ts';
import { takeValues } from '../readBack.ts';
import { adamRates, adamUpdate, initialAdam, type AdamRates } from './adam.ts';
import { checkpointFrom, restoreCheckpoint, type Checkpoint, type TrainingState } from './checkpoint.ts';
import { exhausted, INITIAL_PATIENCE, observe, validates } from './earlyStopping.ts';
import { lossAndGradients, type StepResult, type TrainedTensors } from './extractorStep.ts';
import { lossAndHits, type Measurement } from './measure.ts';
import { perturbForTraining } from './perturbations.ts';
import type { EpochReport } from './trainExtractor.ts';

const REPRESENTATION_BATCH = 128;

export interface HeadToTrain {
  readonly shape: HeadShape;
  /** Where to go on from; null starts afresh. */
  readonly checkpoint: Checkpoint | null;
}

export interface TrainHeadsInputs {
  readonly domain: Domain;
  readonly extractor: FrozenExtractor;
  readonly heads: readonly HeadToTrain[];
  readonly training: DomainImages;
  readonly validation: DomainImages;
  readonly settings: TrainingSettings;
  readonly seed: number;
}

export interface TrainHeadsContext extends StageContext {
  /** @param head index into the inputs' heads */
  epoch(head: number, report: EpochReport, checkpoint: Checkpoint): void;
  finished(head: number, weights: HeadWeights): void;
}

interface HeadStepInputs extends TrainedTensors, AdamRates {
  /** [N, D] */
  readonly z: tf.Tensor2D;
  /** [N, K], one-hot */
  readonly labels: tf.Tensor2D;
}

interface PerturbedInputs extends NoiseSource {
  readonly images: tf.Tensor4D;
}

type HeadStep = CompiledStep<HeadStepInputs, StepResult>;
type CleanStep = CompiledStep<{ readonly images: tf.Tensor4D }, { readonly representations: tf.Tensor2D }>;
type PerturbedStep = CompiledStep<PerturbedInputs, { readonly representations: tf.Tensor2D }>;

interface Steps {
  readonly clean: CleanStep;
  readonly perturbed: PerturbedStep;
  /** One a head, since a graph for all would tie a head's rounding to its company. */
  readonly heads: readonly HeadStep[];
}

function compileSteps({ extractor, heads, settings }: TrainHeadsInputs): Steps {
  const { precision } = extractor;
  return {
    clean: compile(({ images }: { images: tf.Tensor4D }) => ({ representations: extract(extractor, images) }), {
      precision,
    }),
    perturbed: compile(
      ({ images, ...source }: PerturbedInputs) => ({
        representations: extract(extractor, perturbForTraining(images, settings, source)),
      }),
      { precision },
    ),
    heads: heads.map(({ shape: { spec } }) =>
      compile(({ parameters, z, labels, ...adam }: HeadStepInputs): StepResult => {
        const { loss, gradients } = lossAndGradients(parameters, (tensors) =>
          crossEntropy(tf.mul(headLogits(spec, tensors, z), spec.temperature), labels),
        );
        const updated = adamUpdate(parameters, gradients, adam);
        return { ...updated, parameters: projectHead(updated.parameters, spec), loss };
      }),
    ),
  };
}

/** Representations [count, D] of clean images, on the device. */
function cleanRepresentations(step: CleanStep, set: DomainImages, context: StageContext): Promise<tf.Tensor2D> {
  const representations = (indices: Int32Array): tf.Tensor2D => {
    const images = paddedImageTensor(set, indices, REPRESENTATION_BATCH);
    return withoutPadding(step.run({ images }).representations, indices.length);
  };
  return inParts(batches(everyIndex(set), REPRESENTATION_BATCH), representations, context);
}

/**
 * Trains heads on a frozen extractor (METHOD.md §2), all in one pass: a batch's representations are computed once and
 * every head takes its step on them. Noise is keyed by (seed, domain, epoch, step), not by head, so a head trained in
 * company is bit for bit the head trained alone. Under `normal` representations are computed once for all epochs.
 */
export async function trainHeads(inputs: TrainHeadsInputs, context: TrainHeadsContext): Promise<void> {
  const steps = compileSteps(inputs);
  try {
    await trainWith(steps, inputs, context);
  } finally {
    for (const step of [steps.clean, steps.perturbed, ...steps.heads]) step.dispose();
  }
}

async function trainWith(steps: Steps, inputs: TrainHeadsInputs, context: TrainHeadsContext): Promise<void> {
  const { settings } = inputs;
  const states: (TrainingState | null)[] = [];
  let validation: tf.Tensor2D | null = null;
  let clean: tf.Tensor2D | null = null;
  try {
    validation = await cleanRepresentations(steps.clean, inputs.validation, context);
    if (settings.procedure === 'normal') clean = await cleanRepresentations(steps.clean, inputs.training, context);
    for (const { shape, checkpoint } of inputs.heads) {
      states.push(checkpoint === null ? freshState(shape, inputs.seed) : restoreCheckpoint(checkpoint));
    }
    await runEpochs(inputs, context, { steps, states, clean, validation });
  } finally {
    for (const state of states) if (state !== null) disposeState(state);
    validation?.dispose();
    clean?.dispose();
  }
}

/** Trains until every head is finished: its state is null then. */
async function runEpochs(
  inputs: TrainHeadsInputs,
  context: TrainHeadsContext,
  run: Pick<Epoch, 'steps' | 'states' | 'clean' | 'validation'>,
): Promise<void> {
  const { states } = run;
  const stillTraining = (state: TrainingState | null): state is TrainingState => state !== null;
  // A head may be resumed after its last epoch, when the run was interrupted before its weights were stored.
  await finishExhausted(inputs, context, states);
  while (states.some(stillTraining)) {
    // Heads resumed from different epochs catch up: an epoch is run for those that stand before it.
    const epoch = Math.min(...states.filter(stillTraining).map((state) => state.epoch)) + 1;
    const active = states.flatMap((state, head) => (state !== null && state.epoch === epoch - 1 ? [head] : []));
    await runEpoch(inputs, context, { ...run, active, epoch });
    await finishExhausted(inputs, context, states);
  }
}

async function finishExhausted(
  { heads, settings }: TrainHeadsInputs,
  context: TrainHeadsContext,
  states: (TrainingState | null)[],
): Promise<void> {
  for (const [head, state] of states.entries()) {
    if (state === null || !exhausted(state.patience, state.epoch, settings)) continue;
    context.finished(head, await finish(heads[head].shape, state));
    disposeState(state);
    states[head] = null;
  }
}

interface Epoch {
  readonly steps: Steps;
  readonly states: (TrainingState | null)[];
  /** Indices of the heads that take part. */
  readonly active: readonly number[];
  readonly epoch: number;
  readonly clean: tf.Tensor2D | null;
  readonly validation: tf.Tensor2D;
}

async function runEpoch(inputs: TrainHeadsInputs, context: TrainHeadsContext, run: Epoch): Promise<void> {
  const { training, settings, seed, domain } = inputs;
  const { steps, states, active, epoch } = run;
  const started = performance.now();
  const order = shuffledIndices(training.count, deriveKey(seed, 'head-order', domain, epoch));
  const lossSums = new Map(active.map((head) => [head, 0]));
  const stepsPerEpoch = Math.ceil(training.count / settings.batchSize);
  let step = 0;
  for (const indices of batches(order, settings.batchSize)) {
    const z = batchRepresentations(inputs, run.clean, { indices, epoch, step, perturbed: steps.perturbed });
    const labels = oneHotLabels(training.labels(indices), training.classes);
    for (const head of active) {
      const { loss, next } = await headStep(states[head]!, { z, labels, settings, step: steps.heads[head] });
      disposeState(states[head]!);
      states[head] = next;
      lossSums.set(head, lossSums.get(head)! + loss * indices.length);
    }
    tf.dispose([z, labels]);
    step++;
    context.progress((epoch - 1) * stepsPerEpoch + step, settings.maxEpochs * stepsPerEpoch);
    await context.breathe();
  }
  for (const head of active) {
    const validation = validates(epoch, settings)
      ? await validateHead(inputs, head, states[head]!, run.validation)
      : null;
    states[head] = await afterEpoch(states[head]!, epoch, validation);
    const seconds = (performance.now() - started) / 1000;
    const report = { epoch, trainingLoss: lossSums.get(head)! / training.count, validation, seconds };
    context.epoch(head, report, await checkpointFrom(states[head]));
  }
}

function batchRepresentations(
  { training, settings, seed, domain }: TrainHeadsInputs,
  clean: tf.Tensor2D | null,
  { indices, epoch, step, perturbed }: { indices: Int32Array; epoch: number; step: number; perturbed: PerturbedStep },
): tf.Tensor2D {
  return tf.tidy(() => {
    if (clean !== null) return tf.gather(clean, tf.tensor1d(indices, 'int32'));
    const { height, width, channels } = training.shape;
    const key = deriveKey(seed, 'head-noise', domain, epoch, step);
    const source = noiseSource({ key, first: 0, size: height * width * channels });
    // Padded to a full batch: the noise of an image is that of its row, whatever rows follow.
    const images = paddedImageTensor(training, indices, settings.batchSize);
    return withoutPadding(perturbed.run({ images, ...source }).representations, indices.length);
  });
}

async function headStep(
  state: TrainingState,
  { z, labels, settings, step }: { z: tf.Tensor2D; labels: tf.Tensor2D; settings: TrainingSettings; step: HeadStep },
): Promise<{ loss: number; next: TrainingState }> {
  const { first, second } = state.adam;
  const rates = adamRates(state.adam.step + 1, settings.learningRate);
  const result = step.run({ parameters: state.parameters, first, second, z, labels, ...rates });
  tf.dispose([rates.rate, rates.epsilon]);
  const [loss] = await takeValues(result.loss);
  const adam = { step: state.adam.step + 1, first: result.first, second: result.second };
  return { loss, next: { ...state, parameters: result.parameters, adam } };
}

async function validateHead(
  { heads, validation }: TrainHeadsInputs,
  head: number,
  { parameters }: TrainingState,
  representations: tf.Tensor2D,
): Promise<Measurement> {
  const { spec } = heads[head].shape;
  const labels = validation.labels(everyIndex(validation));
  const logits = headLogits(spec, parameters, representations);
  const sums = await lossAndHits(logits, labels, spec.temperature);
  logits.dispose();
  return { loss: sums.loss / labels.length, accuracy: sums.hits / labels.length };
}

async function afterEpoch(state: TrainingState, epoch: number, validation: Measurement | null): Promise<TrainingState> {
  if (validation === null) return { ...state, epoch };
  const { patience, improved } = observe(state.patience, epoch, validation.loss);
  return { ...state, epoch, patience, best: improved ? await arraysFrom(state.parameters) : state.best };
}

function freshState(shape: HeadShape, seed: number): TrainingState {
  const parameters: Parameters = parametersFrom(initialHead(shape, seed));
  return { epoch: 0, parameters, adam: initialAdam(parameters), patience: INITIAL_PATIENCE, best: null };
}

async function finish(shape: HeadShape, { best, parameters }: TrainingState): Promise<HeadWeights> {
  if (best === null) return finishedHead(shape, parameters);
  const restored = parametersFrom(best);
  const weights = await finishedHead(shape, restored);
  disposeParameters(restored);
  return weights;
}

function disposeState({ parameters, adam }: TrainingState): void {
  for (const group of [parameters, adam.first, adam.second]) disposeParameters(group);
}
