import * as tf from '@tensorflow/tfjs-core';
import { oneHotLabels } from '../ops/crossEntropy.ts';
import { adamRates } from './adam.ts';
import { rampAt } from './boxTraining.ts';
import type { TrainingState } from './checkpoint.ts';
import { isAttacked } from './effectiveTraining.ts';
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
  /** Of the noisy images, [N, D]; null but under `noise`. */
  readonly noisy: tf.Tensor2D | null;
}

export async function sharedBatch(
  inputs: TrainHeadsInputs,
  { clean, epoch, steps }: Epoch,
  { indices, step }: Pick<SharedBatch, 'indices' | 'step'>,
): Promise<SharedBatch> {
  const { training, settings } = inputs;
  const noisy =
    settings.procedure === 'noise' ? await perturbedRepresentations(inputs, steps, { indices, epoch, step }) : null;
  return {
    indices,
    step,
    labels: oneHotLabels(training.labels(indices), training.classes),
    clean: clean === null ? null : tf.tidy(() => tf.gather(clean, tf.tensor1d(indices, 'int32'))),
    noisy,
  };
}

export function disposeBatch({ labels, clean, noisy }: SharedBatch): void {
  labels.dispose();
  clean?.dispose();
  noisy?.dispose();
}

interface HeadOnBatch {
  readonly batch: SharedBatch;
  readonly head: number;
  readonly stepsPerEpoch: number;
}

/** One head's step on a batch: under attack on representations of its own, else on those of all. */
export async function headStep(
  inputs: TrainHeadsInputs,
  run: Epoch,
  on: HeadOnBatch,
): Promise<{ loss: number; next: TrainingState }> {
  const { labels, clean, noisy, indices, step } = on.batch;
  const { steps, states, epoch } = run;
  const state = states[on.head]!;
  const take = { step: steps.heads[on.head], labels, box: boxOf(inputs, run, on) };
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
}

/** Half-widths and share as far as the ramp has come; null without box training. */
function boxOf(
  { heads }: TrainHeadsInputs,
  { epoch, halfWidths }: Epoch,
  { head, batch: { step }, stepsPerEpoch }: HeadOnBatch,
): StepBox | null {
  const { boxTraining } = heads[head].shape.spec;
  const full = halfWidths[head];
  if (boxTraining === undefined || full === null) return null;
  const ramp = rampAt(boxTraining, { epoch, step, stepsPerEpoch });
  return { halfWidth: full.map((width) => width * ramp), share: boxTraining.weight * ramp };
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
      const boxes = box === null ? {} : { halfWidth: tf.tensor1d(box.halfWidth), boxShare: tf.scalar(box.share) };
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
