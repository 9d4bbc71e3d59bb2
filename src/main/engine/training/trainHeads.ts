import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, shuffledIndices } from '../../math/philox.ts';
import type { Domain, TrainingSettings } from '../../../shared/config.ts';
import type { HeadWeights } from '../../../shared/results.ts';
import type { StageContext } from '../context.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { compile, type CompiledStep } from '../compile/compile.ts';
import { batches, everyIndex, imagesOfPass } from '../imageSet.ts';
import { finishedHead, headLogits, initialHead, projectHead } from '../models/head.ts';
import type { HeadShape } from '../models/headShape.ts';
import { arraysFrom, disposeParameters, parametersFrom, type Parameters } from '../models/parameters.ts';
import { extract, type FrozenExtractor } from '../models/wideResNet.ts';
import { crossEntropy, oneHotLabels } from '../ops/crossEntropy.ts';
import { noiseSource, type NoiseSource } from '../ops/standardNormal.ts';
import { Passes } from '../passes.ts';
import { compileRepresentations, type RepresentationStep } from '../representations.ts';
import { adamRates, adamUpdate, initialAdam, type AdamRates } from './adam.ts';
import { checkpointFrom, disposeState, restoreCheckpoint, type Checkpoint, type TrainingState } from './checkpoint.ts';
import { exhausted, INITIAL_PATIENCE, observe, validates } from './earlyStopping.ts';
import { lossAndGradients, trainable, type StepResult, type TrainedTensors } from './extractorStep.ts';
import { lossAndHits, type Measurement } from './measure.ts';
import { perturbForTraining } from './perturbations.ts';
import { takeStep } from './takeStep.ts';
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
type PerturbedStep = CompiledStep<PerturbedInputs, { readonly representations: tf.Tensor2D }>;

interface Steps {
  readonly clean: RepresentationStep;
  readonly cleanPasses: Passes;
  readonly perturbed: PerturbedStep;
  readonly perturbedPasses: Passes;
  /** One a head, since a graph for all would tie a head's rounding to its company. */
  readonly heads: readonly HeadStep[];
}

function compileSteps({ extractor, heads, settings }: TrainHeadsInputs, context: StageContext): Steps {
  const clean = compileRepresentations(extractor);
  const perturbed = compile(
    ({ images, ...source }: PerturbedInputs) => ({
      representations: extract(extractor, perturbForTraining(images, settings, source)),
    }),
    { precision: extractor.precision },
  );
  const passesOf = (rows: number, step: RepresentationStep | PerturbedStep): Passes =>
    new Passes({ rows, of: 'representations', release: () => step.dispose() }, context);
  return {
    clean,
    cleanPasses: passesOf(REPRESENTATION_BATCH, clean),
    perturbed,
    perturbedPasses: passesOf(settings.batchSize, perturbed),
    heads: heads.map(({ shape: { spec } }) =>
      compile(({ parameters, z, labels, ...adam }: HeadStepInputs): StepResult => {
        const trained = trainable(parameters);
        const { loss, gradients } = lossAndGradients(trained, (tensors) =>
          crossEntropy(tf.mul(headLogits(spec, tensors, z), spec.temperature), labels),
        );
        const updated = adamUpdate(trained, gradients, adam);
        return { ...updated, parameters: projectHead({ ...parameters, ...updated.parameters }, spec), loss };
      }),
    ),
  };
}

/** Representations [count, D] of clean images, on the device. */
async function cleanRepresentations({ clean, cleanPasses }: Steps, set: DomainImages): Promise<tf.Tensor2D> {
  const indices = everyIndex(set);
  const { values, size } = await cleanPasses.gather(set.count, (pass) => {
    return clean.run({ images: imagesOfPass(set, indices, pass) }).representations;
  });
  return tf.tensor2d(values, [set.count, size]);
}

/**
 * Trains heads on a frozen extractor (METHOD.md §2), all in one pass: a batch's representations are computed once and
 * every head takes its step on them. Noise is keyed by (seed, domain, epoch, step), not by head, so a head trained in
 * company is bit for bit the head trained alone. Under `normal` representations are computed once for all epochs.
 */
export async function trainHeads(inputs: TrainHeadsInputs, context: TrainHeadsContext): Promise<void> {
  const steps = compileSteps(inputs, context);
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
    validation = await cleanRepresentations(steps, inputs.validation);
    if (settings.procedure === 'normal') clean = await cleanRepresentations(steps, inputs.training);
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
    const z = await batchRepresentations(inputs, run, { indices, step });
    const labels = oneHotLabels(training.labels(indices), training.classes);
    try {
      for (const head of active) {
        const { loss, next } = await headStep(states[head]!, { z, labels, settings, step: steps.heads[head] });
        disposeState(states[head]!);
        states[head] = next;
        lossSums.set(head, lossSums.get(head)! + loss * indices.length);
      }
    } finally {
      tf.dispose([z, labels]);
    }
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

async function batchRepresentations(
  { training, seed, domain }: TrainHeadsInputs,
  { clean, epoch, steps: { perturbed, perturbedPasses } }: Epoch,
  { indices, step }: { indices: Int32Array; step: number },
): Promise<tf.Tensor2D> {
  if (clean !== null) return tf.tidy(() => tf.gather(clean, tf.tensor1d(indices, 'int32')));
  const { height, width, channels } = training.shape;
  const key = deriveKey(seed, 'head-noise', domain, epoch, step);
  const { values, size } = await perturbedPasses.gather(indices.length, (pass) => {
    // The noise of an image is that of its row in the batch, whatever rows are in its pass.
    const source = noiseSource({ key, first: pass.first, size: height * width * channels });
    const images = imagesOfPass(training, indices, pass);
    return perturbed.run({ images, ...source }).representations;
  });
  return tf.tensor2d(values, [indices.length, size]);
}

function headStep(
  state: TrainingState,
  { z, labels, settings, step }: { z: tf.Tensor2D; labels: tf.Tensor2D; settings: TrainingSettings; step: HeadStep },
): Promise<{ loss: number; next: TrainingState }> {
  return takeStep(state, {
    run: (trained) => {
      const rates = adamRates(state.adam.step + 1, settings.learningRate);
      try {
        return step.run({ ...trained, z, labels, ...rates });
      } finally {
        tf.dispose([rates.rate, rates.epsilon]);
      }
    },
    batchSize: settings.batchSize,
    setting: 'training.heads.batchSize',
  });
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
  return { epoch: 0, parameters, adam: initialAdam(trainable(parameters)), patience: INITIAL_PATIENCE, best: null };
}

async function finish(shape: HeadShape, { best, parameters }: TrainingState): Promise<HeadWeights> {
  if (best === null) return finishedHead(shape, parameters);
  const restored = parametersFrom(best);
  const weights = await finishedHead(shape, restored);
  disposeParameters(restored);
  return weights;
}
