import * as tf from '@tensorflow/tfjs-core';
import type { DomainImages } from '../../data/transfer.ts';
import { batches, imageTensor } from '../imageSet.ts';
import { crossEntropyPerRow, oneHotLabels } from '../ops/crossEntropy.ts';
import { takeValues } from '../readBack.ts';

/** Mean cross-entropy and accuracy (a share) on clean inputs. */
export interface Measurement {
  readonly loss: number;
  readonly accuracy: number;
}

const BATCH = 128;

/** Loss (at the training temperature) and accuracy of a classifier on part of a set. */
export async function measure(
  set: DomainImages,
  indices: Int32Array,
  { logits, temperature }: { logits: (images: tf.Tensor4D) => tf.Tensor2D; temperature: number },
): Promise<Measurement> {
  let lossSum = 0;
  let correct = 0;
  for (const part of batches(indices, BATCH)) {
    const labels = set.labels(part);
    const output = tf.tidy(() => logits(imageTensor(set, part)));
    const { loss, hits } = await lossAndHits(output, labels, temperature);
    output.dispose();
    lossSum += loss;
    correct += hits;
  }
  return { loss: lossSum / indices.length, accuracy: correct / indices.length };
}

/** Sums over the batch. @param logits [N, K] */
export async function lossAndHits(
  logits: tf.Tensor2D,
  labels: Int32Array,
  temperature: number,
): Promise<{ loss: number; hits: number }> {
  const loss = tf.tidy(() => {
    const oneHot = oneHotLabels(labels, logits.shape[1]);
    return tf.sum(crossEntropyPerRow(tf.mul(logits, temperature), oneHot));
  });
  const predicted = await takeValues(tf.argMax(logits, 1));
  return {
    loss: (await takeValues(loss))[0],
    hits: labels.reduce((sum, label, i) => sum + (label === predicted[i] ? 1 : 0), 0),
  };
}
