import * as tf from '@tensorflow/tfjs-core';
import { oneHotLabels } from '../ops/crossEntropy.ts';
import { adamRates } from './adam.ts';
import { rampAt } from './boxTraining.ts';
import type { TrainingState } from './checkpoint.ts';
import type { EffectiveDrawBank } from './effectiveDrawBank.ts';
import { isAttacked, type EffectiveTraining } from './effectiveTraining.ts';
import { drawsOfStep } from './headBanks.ts';
import { attackedRepresentations, perturbedRepresentations, type HeadStep, type HeadStepInputs } from './headSteps.ts';
import { takeStep } from './takeStep.ts';
import type { Epoch, TrainHeadsInputs } from './trainHeads.ts';

/** What the heads' steps on one batch have in common. */
export interface SharedBatch {
  readonly indices: Int32Array;
  /** Of the epoch, from 0. */
  readonly step: number;
  /** [N, K], one-hot */
  readonly labels: tf.Tensor2D;
  /** Representations of the clean images, [N, D]; null where the procedure does not read them. */
  readonly clean: tf.Tensor2D | null;
  /** Of the noisy images, [N·m, D]; null but under `noise` and `gaussian`. */
  readonly noisy: tf.Tensor2D | null;
  /** Of kept draws, [N·r, D], for each choice of them. */
  readonly kept: ReadonlyMap<string, tf.Tensor2D>;
}

export async function sharedBatch(
  inputs: TrainHeadsInputs,
  run: Epoch,
  { indices, step }: Pick<SharedBatch, 'indices' | 'step'>,
): Promise<SharedBatch> {
  const { training, settings } = inputs;
  const { clean, epoch, steps } = run;
  const readsNoisy = isNoisy(settings) && run.active.some((head) => run.bankSettings[head] === null);
  return {
    indices,
    step,
    labels: oneHotLabels(training.labels(indices), training.classes),
    clean: clean === null ? null : tf.tidy(() => tf.gather(clean, tf.tensor1d(indices, 'int32'))),
    noisy: readsNoisy ? await perturbedRepresentations(inputs, steps, { indices, epoch, step }) : null,
    kept: keptDraws(inputs, run, { indices, step }),
  };
}

const isNoisy = ({ procedure }: EffectiveTraining): boolean => procedure === 'noise' || procedure === 'gaussian';

/** Of every bank that active heads read, by what they read of it. */
function keptDraws(
  inputs: TrainHeadsInputs,
  { active, banks, bankSettings, epoch }: Epoch,
  { indices, step }: Pick<SharedBatch, 'indices' | 'step'>,
): ReadonlyMap<string, tf.Tensor2D> {
  const kept = new Map<string, tf.Tensor2D>();
  for (const head of active) {
    const settings = bankSettings[head];
    if (settings === null || kept.has(readName(settings))) continue;
    const { training } = banks.ofHead[head]!;
    const rows = training.rows(indices, drawsOfStep(settings, inputs, { epoch, step }));
    kept.set(readName(settings), tf.tensor2d(rows, [rows.length / training.dimension, training.dimension]));
  }
  return kept;
}

const readName = ({ draws, drawsPerStep, sigma, precision }: EffectiveDrawBank): string =>
  [draws, drawsPerStep, sigma, precision].join(' ');

export function disposeBatch({ labels, clean, noisy, kept }: SharedBatch): void {
  labels.dispose();
  clean?.dispose();
  noisy?.dispose();
  for (const rows of kept.values()) rows.dispose();
}

interface HeadOnBatch {
  readonly batch: SharedBatch;
  readonly head: number;
  readonly stepsPerEpoch: number;
}

/** One head's step on a batch: on kept draws, under attack on representations of its own, else on those of all. */
export async function headStep(
  inputs: TrainHeadsInputs,
  run: Epoch,
  on: HeadOnBatch,
): Promise<{ loss: number; next: TrainingState }> {
  const { labels, clean, noisy, indices, step } = on.batch;
  const { steps, states, epoch } = run;
  const state = states[on.head]!;
  const take = { step: steps.heads[on.head], labels, box: boxOf(inputs, run, on) };
  const bank = run.bankSettings[on.head];
  if (bank !== null) return stepOn(inputs, state, { ...take, z: on.batch.kept.get(readName(bank))!, clean: null });
  if (!isAttacked(inputs.settings)) return stepOn(inputs, state, { ...take, z: (noisy ?? clean)!, clean: null });
  const place = { indices, epoch, step, head: on.head, parameters: state.parameters };
  const z = await attackedRepresentations(inputs, steps, place);
  try {
    return await stepOn(inputs, state, { ...take, z, clean });
  } finally {
    z.dispose();
  }
}

/** The boxes of a step, on the host. */
interface StepBox {
  /** [D] */
  readonly halfWidth: Float32Array<ArrayBuffer>;
  /** Of the loss. */
  readonly share: number;
  /** What the boxes are around, [N·D]; null for the points of the loss themselves. */
  readonly centre: Float32Array<ArrayBuffer> | null;
}

/** Half-widths and share as far as the ramp has come; null without box training. */
function boxOf(
  { heads }: TrainHeadsInputs,
  { epoch, halfWidths, banks, bankSettings }: Epoch,
  { head, batch: { step, indices }, stepsPerEpoch }: HeadOnBatch,
): StepBox | null {
  const { boxTraining } = heads[head].shape.spec;
  const full = halfWidths[head];
  if (boxTraining === undefined || full === null) return null;
  const ramp = rampAt(boxTraining, { epoch, step, stepsPerEpoch });
  const bank = bankSettings[head];
  const centre =
    bank === null ? null : rowsAt(banks.ofHead[head]!.centres('training', bank.draws), indices, full.length);
  return { halfWidth: full.map((width) => width * ramp), share: boxTraining.weight * ramp, centre };
}

/** Rows of [count, width] by index. */
export function rowsAt(rows: Float32Array, indices: Int32Array, width: number): Float32Array<ArrayBuffer> {
  const chosen = new Float32Array(indices.length * width);
  indices.forEach((index, i) => chosen.set(rows.subarray(index * width, (index + 1) * width), i * width));
  return chosen;
}

interface StepOn extends Pick<HeadStepInputs, 'z' | 'labels'> {
  readonly step: HeadStep;
  readonly clean: tf.Tensor2D | null;
  readonly box: StepBox | null;
}

function stepOn(
  { settings }: TrainHeadsInputs,
  state: TrainingState,
  { step, z, labels, clean, box }: StepOn,
): Promise<{ loss: number; next: TrainingState }> {
  return takeStep(state, {
    run: (trained) => {
      const rates = adamRates(state.adam.step + 1, settings.learningRate);
      const boxes = box === null ? {} : boxTensors(box);
      try {
        return step.run({ ...trained, z, labels, given: { ...(clean === null ? {} : { clean }), ...boxes }, ...rates });
      } finally {
        tf.dispose([rates.rate, rates.epsilon, ...Object.values(boxes)]);
      }
    },
    batchSize: settings.batchSize,
    setting: 'training.heads.batchSize',
  });
}

function boxTensors({ halfWidth, share, centre }: StepBox): Record<string, tf.Tensor> {
  const width = halfWidth.length;
  return {
    halfWidth: tf.tensor1d(halfWidth),
    boxShare: tf.scalar(share),
    ...(centre === null ? {} : { centre: tf.tensor2d(centre, [centre.length / width, width]) }),
  };
}
