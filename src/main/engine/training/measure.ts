import * as tf from '@tensorflow/tfjs-core';
import type { DomainImages } from '../../data/transfer.ts';
import { batches, everyIndex, imagesOfPass } from '../imageSet.ts';
import { crossEntropyPerRow, oneHotLabels } from '../ops/crossEntropy.ts';
import type { Pass, Passes } from '../passes.ts';
import { takeValues } from '../readBack.ts';

/** Mean loss and accuracy (a share) on clean inputs; on noisy ones where the training is for noise (METHOD.md §2). */
export interface Measurement {
  readonly loss: number;
  readonly accuracy: number;
}

/** Images of a pass, and rows of a sum. */
export const MEASURE_BATCH = 128;

/** Loss (at the training temperature) and accuracy of a classifier on a set, whatever the size of the passes. */
export async function measure(set: DomainImages, { logits, temperature, passes }: Measured): Promise<Measurement> {
  const indices = everyIndex(set);
  const { values, size } = await passes.gather(set.count, (pass) => logits(imagesOfPass(set, indices, pass), pass));
  let lossSum = 0;
  let correct = 0;
  for (const part of batches(indices, MEASURE_BATCH)) {
    const rows = tf.tensor2d(values.subarray(part[0] * size, (part[0] + part.length) * size), [part.length, size]);
    try {
      const { loss, hits } = await lossAndHits(rows, set.labels(part), temperature);
      lossSum += loss;
      correct += hits;
    } finally {
      rows.dispose();
    }
  }
  return { loss: lossSum / set.count, accuracy: correct / set.count };
}

interface Measured {
  readonly logits: (images: tf.Tensor4D, pass: Pass) => tf.Tensor2D;
  readonly temperature: number;
  readonly passes: Passes;
}

/** Sums over the batch. @param logits [N, K] */
export async function lossAndHits(
  logits: tf.Tensor2D,
  labels: Int32Array,
  temperature: number,
): Promise<{ loss: number; hits: number }> {
  const sum = tf.tidy(() => {
    const oneHot = oneHotLabels(labels, logits.shape[1]);
    return tf.sum(crossEntropyPerRow(tf.mul(logits, temperature), oneHot));
  });
  const [loss] = await takeValues(sum);
  const predicted = await takeValues(tf.argMax(logits, 1));
  return { loss, hits: labels.reduce((hits, label, i) => hits + (label === predicted[i] ? 1 : 0), 0) };
}
