import * as tf from '@tensorflow/tfjs-core';
import type { DomainImages } from '../../data/transfer.ts';
import { batches, paddedImageTensor, withoutPadding } from '../imageSet.ts';
import { crossEntropyPerRow, oneHotLabels } from '../ops/crossEntropy.ts';

/** Mean cross-entropy and accuracy (a share) on clean inputs. */
export interface Measurement {
  readonly loss: number;
  readonly accuracy: number;
}

const BATCH = 128;

/** Loss (at the training temperature) and accuracy of a classifier on part of a set. */
export function measure(
  set: DomainImages,
  indices: Int32Array,
  { logits, temperature }: { logits: (images: tf.Tensor4D) => tf.Tensor2D; temperature: number },
): Measurement {
  let lossSum = 0;
  let correct = 0;
  for (const part of batches(indices, BATCH)) {
    const labels = set.labels(part);
    const { loss, hits } = tf.tidy(() => {
      const all = logits(paddedImageTensor(set, part, BATCH));
      return lossAndHits(withoutPadding(all, part.length), labels, temperature);
    });
    lossSum += loss;
    correct += hits;
  }
  return { loss: lossSum / indices.length, accuracy: correct / indices.length };
}

/** Sums over the batch. @param logits [N, K] */
export function lossAndHits(
  logits: tf.Tensor2D,
  labels: Int32Array,
  temperature: number,
): { loss: number; hits: number } {
  const oneHot = oneHotLabels(labels, logits.shape[1]);
  const loss = tf.sum(crossEntropyPerRow(tf.mul(logits, temperature), oneHot)).dataSync()[0];
  const predicted = tf.argMax(logits, 1).dataSync();
  return { loss, hits: labels.reduce((sum, label, i) => sum + (label === predicted[i] ? 1 : 0), 0) };
}
