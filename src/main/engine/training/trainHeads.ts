import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, shuffledIndices } from '../../math/philox.ts';
import type { Domain, TrainingSettings } from '../../../shared/config.ts';
import type { HeadWeights } from '../../../shared/results.ts';
import type { StageContext } from '../context.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { batches, everyIndex, imageTensor } from '../imageSet.ts';
import { inParts } from '../inParts.ts';
import { finishedHead, headLogits, initialHead, projectHead } from '../models/head.ts';
import type { HeadShape } from '../models/headShape.ts';
import { arraysFrom, disposeParameters, parametersFrom, type Parameters } from '../models/parameters.ts';
import { extract, type FrozenExtractor } from '../models/wideResNet.ts';
import { crossEntropy, oneHotLabels } from '../ops/crossEntropy.ts';
import { adamUpdate, initialAdam } from './adam.ts';
import { checkpointFrom, restoreCheckpoint, type Checkpoint, type TrainingState } from './checkpoint.ts';
import { exhausted, INITIAL_PATIENCE, observe, validates } from './earlyStopping.ts';
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

/** Representations [count, D] of clean images, on the device. */
function cleanRepresentations(
  extractor: FrozenExtractor,
  set: DomainImages,
  context: StageContext,
): Promise<tf.Tensor2D> {
  const parts = batches(everyIndex(set), REPRESENTATION_BATCH);
  return inParts(parts, (indices) => extract(extractor, imageTensor(set, indices)), context);
}

/**
 * Trains heads on a frozen extractor (METHOD.md §2), all in one pass: a batch's representations are computed once and
 * every head takes its step on them. Noise is keyed by (seed, domain, epoch, step), not by head, so a head trained in
 * company is bit for bit the head trained alone. Under `normal` representations are computed once for all epochs.
 */
export async function trainHeads(inputs: TrainHeadsInputs, context: TrainHeadsContext): Promise<void> {
  const { extractor, settings } = inputs;
  const states: (TrainingState | null)[] = [];
  let validation: tf.Tensor2D | null = null;
  let clean: tf.Tensor2D | null = null;
  try {
    validation = await cleanRepresentations(extractor, inputs.validation, context);
    if (settings.procedure === 'normal') clean = await cleanRepresentations(extractor, inputs.training, context);
    for (const { shape, checkpoint } of inputs.heads) {
      states.push(checkpoint === null ? freshState(shape, inputs.seed) : restoreCheckpoint(checkpoint));
    }
    await runEpochs(inputs, context, { states, clean, validation });
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
  { states, clean, validation }: Pick<Epoch, 'states' | 'clean' | 'validation'>,
): Promise<void> {
  const stillTraining = (state: TrainingState | null): state is TrainingState => state !== null;
  // A head may be resumed after its last epoch, when the run was interrupted before its weights were stored.
  finishExhausted(inputs, context, states);
  while (states.some(stillTraining)) {
    // Heads resumed from different epochs catch up: an epoch is run for those that stand before it.
    const epoch = Math.min(...states.filter(stillTraining).map((state) => state.epoch)) + 1;
    const active = states.flatMap((state, head) => (state !== null && state.epoch === epoch - 1 ? [head] : []));
    await runEpoch(inputs, context, { states, active, epoch, clean, validation });
    finishExhausted(inputs, context, states);
  }
}

function finishExhausted(
  { heads, settings }: TrainHeadsInputs,
  context: TrainHeadsContext,
  states: (TrainingState | null)[],
): void {
  for (const [head, state] of states.entries()) {
    if (state === null || !exhausted(state.patience, state.epoch, settings)) continue;
    context.finished(head, finish(heads[head].shape, state));
    disposeState(state);
    states[head] = null;
  }
}

interface Epoch {
  readonly states: (TrainingState | null)[];
  /** Indices of the heads that take part. */
  readonly active: readonly number[];
  readonly epoch: number;
  readonly clean: tf.Tensor2D | null;
  readonly validation: tf.Tensor2D;
}

async function runEpoch(inputs: TrainHeadsInputs, context: TrainHeadsContext, run: Epoch): Promise<void> {
  const { training, settings, seed, domain } = inputs;
  const { states, active, epoch } = run;
  const started = performance.now();
  const order = shuffledIndices(training.count, deriveKey(seed, 'head-order', domain, epoch));
  const lossSums = new Map(active.map((head) => [head, 0]));
  const stepsPerEpoch = Math.ceil(training.count / settings.batchSize);
  let step = 0;
  for (const indices of batches(order, settings.batchSize)) {
    const z = batchRepresentations(inputs, run.clean, { indices, epoch, step });
    const labels = oneHotLabels(training.labels(indices), training.classes);
    for (const head of active) {
      const { loss, next } = headStep(inputs.heads[head].shape, states[head]!, { z, labels, settings });
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
    const validation = validates(epoch, settings) ? validateHead(inputs, head, states[head]!, run.validation) : null;
    states[head] = afterEpoch(states[head]!, epoch, validation);
    const seconds = (performance.now() - started) / 1000;
    const report = { epoch, trainingLoss: lossSums.get(head)! / training.count, validation, seconds };
    context.epoch(head, report, checkpointFrom(states[head]));
  }
}

function batchRepresentations(
  { training, settings, seed, domain, extractor }: TrainHeadsInputs,
  clean: tf.Tensor2D | null,
  at: { indices: Int32Array; epoch: number; step: number },
): tf.Tensor2D {
  return tf.tidy(() => {
    if (clean !== null) return tf.gather(clean, tf.tensor1d(at.indices, 'int32'));
    const key = deriveKey(seed, 'head-noise', domain, at.epoch, at.step);
    return extract(extractor, perturbForTraining(imageTensor(training, at.indices), settings, key));
  });
}

function headStep(
  { spec }: HeadShape,
  state: TrainingState,
  batch: { z: tf.Tensor2D; labels: tf.Tensor2D; settings: TrainingSettings },
): { loss: number; next: TrainingState } {
  const names = Object.keys(state.parameters);
  const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
    const parameters = Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
    return crossEntropy(tf.mul(headLogits(spec, parameters, batch.z), spec.temperature), batch.labels);
  })(names.map((name) => state.parameters[name]));
  const gradients = Object.fromEntries(names.map((name, i) => [name, grads[i]]));
  const learningRate = batch.settings.learningRate;
  const updated = adamUpdate(state.parameters, gradients, { state: state.adam, learningRate });
  const parameters = projectHead(updated.parameters, spec);
  const loss = value.dataSync()[0];
  disposeParameters(updated.parameters);
  tf.dispose([value, grads]);
  return { loss, next: { ...state, parameters, adam: updated.state } };
}

function validateHead(
  { heads, validation }: TrainHeadsInputs,
  head: number,
  { parameters }: TrainingState,
  representations: tf.Tensor2D,
): Measurement {
  const { spec } = heads[head].shape;
  const labels = validation.labels(everyIndex(validation));
  const sums = tf.tidy(() => lossAndHits(headLogits(spec, parameters, representations), labels, spec.temperature));
  return { loss: sums.loss / labels.length, accuracy: sums.hits / labels.length };
}

function afterEpoch(state: TrainingState, epoch: number, validation: Measurement | null): TrainingState {
  if (validation === null) return { ...state, epoch };
  const { patience, improved } = observe(state.patience, epoch, validation.loss);
  return { ...state, epoch, patience, best: improved ? arraysFrom(state.parameters) : state.best };
}

function freshState(shape: HeadShape, seed: number): TrainingState {
  const parameters: Parameters = parametersFrom(initialHead(shape, seed));
  return { epoch: 0, parameters, adam: initialAdam(parameters), patience: INITIAL_PATIENCE, best: null };
}

function finish(shape: HeadShape, { best, parameters }: TrainingState): HeadWeights {
  if (best === null) return finishedHead(shape, parameters);
  const restored = parametersFrom(best);
  const weights = finishedHead(shape, restored);
  disposeParameters(restored);
  return weights;
}

function disposeState({ parameters, adam }: TrainingState): void {
  for (const group of [parameters, adam.first, adam.second]) disposeParameters(group);
}
