import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, shuffledIndices } from '../../math/philox.ts';
import type { Domain } from '../../../shared/config.ts';
import type { HeadWeights } from '../../../shared/results.ts';
import type { StageContext } from '../context.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { batches } from '../imageSet.ts';
import { finishedHead, initialHead } from '../models/head.ts';
import type { HeadShape } from '../models/headShape.ts';
import { arraysFrom, disposeParameters, parametersFrom, type Parameters } from '../models/parameters.ts';
import type { FrozenExtractor } from '../models/wideResNet.ts';
import { initialAdam } from './adam.ts';
import type { BoxSource } from './boxIndex.ts';
import { boxHalfWidths, isOnRamp } from './boxTraining.ts';
import { checkpointFrom, disposeState, restoreCheckpoint, type Checkpoint, type TrainingState } from './checkpoint.ts';
import { exhausted, INITIAL_PATIENCE, observe, validates } from './earlyStopping.ts';
import type { EffectiveDrawBank } from './effectiveDrawBank.ts';
import type { EffectiveTraining } from './effectiveTraining.ts';
import { trainable } from './extractorStep.ts';
import { effectiveBanks, openHeadBanks, type BankKeeping, type HeadBanks } from './headBanks.ts';
import { disposeBatch, headStep, sharedBatch } from './headBatch.ts';
import { cleanRepresentations, compileHeadSteps, disposeHeadSteps, type HeadSteps } from './headSteps.ts';
import type { Measurement } from './measure.ts';
import type { EpochReport } from './trainExtractor.ts';
import { validateHead, validationRepresentations } from './validateHead.ts';

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
  readonly settings: EffectiveTraining;
  readonly seed: number;
  /** Whose boxes heads with box training are trained on, and whose σ kept draws have by default; they cannot do without. */
  readonly smoothing?: BoxSource;
  /** Where kept draws go; by default the user's cache. */
  readonly keeping?: BankKeeping;
}

export interface TrainHeadsContext extends StageContext {
  /** @param head index into the inputs' heads */
  epoch(head: number, report: EpochReport, checkpoint: Checkpoint): void;
  finished(head: number, weights: HeadWeights): void;
}

/**
 * Trains heads on a frozen extractor (METHOD.md §2), all in one pass: a batch's representations are computed once and
 * every head takes its step on them; only an attack is on each head by itself. Noise is keyed by (seed, domain, epoch, step),
 * not by head, so a head trained in company is bit for bit the head trained alone. Representations of clean images, and of the draws
 * that heads with a draw bank are trained on, are computed once for all epochs.
 */
export async function trainHeads(inputs: TrainHeadsInputs, context: TrainHeadsContext): Promise<void> {
  const steps = compileHeadSteps(inputs, context);
  try {
    await trainWith(steps, inputs, context);
  } finally {
    disposeHeadSteps(steps);
  }
}

async function trainWith(steps: HeadSteps, inputs: TrainHeadsInputs, context: TrainHeadsContext): Promise<void> {
  const { settings } = inputs;
  const states: (TrainingState | null)[] = [];
  let validation: tf.Tensor2D | null = null;
  let clean: tf.Tensor2D | null = null;
  let banks: HeadBanks | null = null;
  try {
    const bankSettings = effectiveBanks(inputs);
    validation = await validationRepresentations(inputs, steps, context);
    if (readsClean(settings) && bankSettings.includes(null)) clean = await cleanRepresentations(steps, inputs.training);
    banks = await openHeadBanks(inputs, context);
    const halfWidths = await boxHalfWidths(inputs, context);
    for (const { shape, checkpoint } of inputs.heads) {
      states.push(checkpoint === null ? freshState(shape, inputs.seed) : restoreCheckpoint(checkpoint));
    }
    await runEpochs(inputs, context, { steps, states, clean, validation, halfWidths, banks, bankSettings });
  } finally {
    for (const state of states) if (state !== null) disposeState(state);
    validation?.dispose();
    clean?.dispose();
    banks?.dispose();
  }
}

/** Trains until every head is finished: its state is null then. */
async function runEpochs(
  inputs: TrainHeadsInputs,
  context: TrainHeadsContext,
  run: Omit<Epoch, 'active' | 'epoch'>,
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

/** What an epoch reads and changes. */
export interface Epoch {
  readonly steps: HeadSteps;
  readonly states: (TrainingState | null)[];
  /** Indices of the heads that take part. */
  readonly active: readonly number[];
  readonly epoch: number;
  /** Of all training images, [count, D], where the procedure reads them. */
  readonly clean: tf.Tensor2D | null;
  /** Of all validation images, [count, D]; under `gaussian` of one noisy draw of each. */
  readonly validation: tf.Tensor2D;
  readonly banks: HeadBanks;
  /** Of each head; null for one that the procedure trains. */
  readonly bankSettings: readonly (EffectiveDrawBank | null)[];
  /** Of the boxes that a head is trained on, [D]; null for a head without box training. */
  readonly halfWidths: readonly (Float32Array<ArrayBuffer> | null)[];
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
    const batch = await sharedBatch(inputs, run, { indices, step });
    try {
      for (const head of active) {
        const { loss, next } = await headStep(inputs, run, { batch, head, stepsPerEpoch });
        disposeState(states[head]!);
        states[head] = next;
        lossSums.set(head, lossSums.get(head)! + loss * indices.length);
      }
    } finally {
      disposeBatch(batch);
    }
    step++;
    context.progress((epoch - 1) * stepsPerEpoch + step, settings.maxEpochs * stepsPerEpoch);
    await context.breathe();
  }
  for (const head of active) {
    const validation = validates(epoch, settings) ? await validateHead(inputs, run, head) : null;
    states[head] = await afterEpoch(inputs, states[head]!, { head, epoch, validation });
    const seconds = (performance.now() - started) / 1000;
    const report = { epoch, trainingLoss: lossSums.get(head)! / training.count, validation, seconds };
    context.epoch(head, report, await checkpointFrom(states[head]));
  }
}

/** Whether representations of clean training images are read: trained on, or compared with those under attack. */
function readsClean({ procedure }: EffectiveTraining): boolean {
  return procedure === 'normal' || procedure === 'adv-d';
}

async function afterEpoch(
  { heads }: TrainHeadsInputs,
  state: TrainingState,
  { head, epoch, validation }: { head: number; epoch: number; validation: Measurement | null },
): Promise<TrainingState> {
  // Patience begins where the ramp ends.
  if (isOnRamp(heads[head].shape.spec.boxTraining, epoch)) {
    return { ...state, epoch, patience: { bestLoss: null, bestEpoch: epoch } };
  }
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
