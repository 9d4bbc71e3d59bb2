import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, shuffledIndices } from '../../math/philox.ts';
import type { BoxTraining, HeadSpec } from '../../../shared/config.ts';
import type { StageContext } from '../context.ts';
import { imageTensor } from '../imageSet.ts';
import { effectiveHead } from '../models/head.ts';
import type { Parameters } from '../models/parameters.ts';
import { representationSize } from '../models/wideResNetShape.ts';
import { crossEntropy } from '../ops/crossEntropy.ts';
import { Passes } from '../passes.ts';
import { valuesOf } from '../readBack.ts';
import { putInColumns, sortColumns } from '../smoothing/columns.ts';
import { compileNoisyModel, DRAWS_BATCH, eachPassOfDraws, type NoisyModel } from '../smoothing/draws.ts';
import { boxIndex, type BoxSource } from './boxIndex.ts';
import type { TrainHeadsInputs } from './trainHeads.ts';
import { worstLogits } from './worstLogits.ts';

/** How far the ramp has come at a training step, from 0 to 1: half-widths and weight are this share of what they will be. */
export function rampAt(
  { rampEpochs }: Pick<BoxTraining, 'rampEpochs'>,
  { epoch, step, stepsPerEpoch }: { readonly epoch: number; readonly step: number; readonly stepsPerEpoch: number },
): number {
  return rampEpochs === 0 ? 1 : Math.min(1, (epoch - 1 + step / stepsPerEpoch) / rampEpochs);
}

/** Whether an epoch (1-based) has steps on the ramp, so that its losses compare with none after it. */
export function isOnRamp(box: BoxTraining | undefined, epoch: number): boolean {
  return box !== undefined && epoch <= box.rampEpochs;
}

export interface BoxedBatch {
  /** [N, D] */
  readonly z: tf.Tensor2D;
  /** [N, K], one-hot */
  readonly labels: tf.Tensor2D;
  /** Of the boxes around z, [D]. */
  readonly halfWidth: tf.Tensor;
}

/** Mean cross-entropy of the worst logits over z ± halfWidth, at the training temperature. */
export function boxLoss(spec: HeadSpec, parameters: Parameters, { z, labels, halfWidth }: BoxedBatch): tf.Scalar {
  return tf.tidy(() => {
    const boxes = { centre: z, halfWidth: tf.reshape<tf.Rank.R2>(halfWidth, [1, halfWidth.size]) };
    const logits = worstLogits(effectiveHead(spec, parameters), boxes, labels);
    return crossEntropy(tf.mul(logits, spec.temperature), labels);
  });
}

/** Points and boxes in one loss: (1 − share)·points + share·boxes. */
export function mixedLoss(points: tf.Scalar, boxes: tf.Scalar, share: tf.Tensor): tf.Scalar {
  return tf.add(tf.mul(points, tf.sub(1, share)), tf.mul(boxes, share));
}

/**
 * The mean half-width [D] of smoothing boxes that each head is trained on (METHOD.md §1): (u − l)/2 at the index of its radius, over
 * so many noisy training images; null for a head without box training. Draws are keyed apart from those of certificates.
 * @throws RangeError where no index reaches a radius, or there are fewer images than asked for
 */
export async function boxHalfWidths(
  inputs: TrainHeadsInputs,
  context: StageContext,
): Promise<(Float32Array<ArrayBuffer> | null)[]> {
  const boxes = inputs.heads.map(({ shape }) => shape.spec.boxTraining ?? null);
  const most = boxes.reduce((count, box) => Math.max(count, box?.instances ?? 0), 0);
  if (most === 0) return boxes.map(() => null);
  const { extractor, training, smoothing } = inputs;
  if (smoothing === undefined) throw new Error('internal: box training: got no smoothing to take the boxes from');
  if (training.count < most) {
    throw new RangeError(
      `box training: got ${training.count} training images, expected at least the ${most} of boxTraining.instances; lower it or raise trainingInstances`,
    );
  }
  const indices = boxes.map((box) => (box === null ? 0 : requireIndex(inputs, smoothing, box.radius)));
  const sums = boxes.map(() => new Float64Array(representationSize(extractor.net)));
  const model = compileNoisyModel({ extractor, heads: {} }, { sigma: smoothing.sigma, noise: 'float32' });
  const passes = new Passes({ rows: DRAWS_BATCH, of: 'noise draws', release: () => model.dispose() }, context);
  const { draws } = smoothing;
  try {
    const images = shuffledIndices(training.count, deriveKey(inputs.seed, 'box-training-images', inputs.domain));
    for (const [i, image] of images.subarray(0, most).entries()) {
      const columns = await sortedDraws(inputs, { model, passes }, { image, draws });
      boxes.forEach((box, head) => {
        if (box !== null && i < box.instances) addHalfWidths(sums[head], columns, { draws, index: indices[head] });
      });
    }
  } finally {
    model.dispose();
  }
  return boxes.map((box, head) => (box === null ? null : Float32Array.from(sums[head], (sum) => sum / box.instances)));
}

function requireIndex({ extractor }: TrainHeadsInputs, smoothing: BoxSource, radius: number): number {
  const found = boxIndex(smoothing, representationSize(extractor.net), radius);
  if (found.outcome === 'found') return found.index;
  throw new RangeError(
    `box training: got radius ${radius} σ, expected at most ${found.largest ?? 'none at all'}; lower boxTraining.radius or raise certification.draws`,
  );
}

/** Representations of an image's draws, [D, draws], each row ascending. */
async function sortedDraws(
  { training, seed, domain, extractor }: TrainHeadsInputs,
  drawing: { readonly model: NoisyModel; readonly passes: Passes },
  { image: index, draws }: { readonly image: number; readonly draws: number },
): Promise<Float32Array> {
  const columns = new Float32Array(representationSize(extractor.net) * draws);
  const image = tf.tidy(() => tf.squeeze<tf.Tensor3D>(imageTensor(training, Int32Array.of(index)), [0]));
  const key = deriveKey(seed, 'box-training', domain, index);
  try {
    await eachPassOfDraws(drawing, { image, key, count: draws }, async ({ representations }, { first, count }) => {
      putInColumns(columns, await valuesOf(representations), { first, count, draws });
    });
  } finally {
    image.dispose();
  }
  sortColumns(columns, draws);
  return columns;
}

function addHalfWidths(
  sums: Float64Array,
  columns: Float32Array,
  { draws, index }: { readonly draws: number; readonly index: number },
): void {
  for (let d = 0; d < sums.length; d++) {
    const row = columns.subarray(d * draws, (d + 1) * draws);
    sums[d] += (row[draws - index] - row[index - 1]) / 2;
  }
}
