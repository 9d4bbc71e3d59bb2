import * as tf from '@tensorflow/tfjs-core';
import type { EffectiveHead } from '../models/head.ts';
import { groupSort } from '../ops/groupSort.ts';

/** Boxes in the space of a layer's inputs: z ± halfWidth. */
export interface Boxes {
  /** [N, width] */
  readonly centre: tf.Tensor2D;
  /** [N, width], or [1, width] for the same of all */
  readonly halfWidth: tf.Tensor2D;
}

/**
 * Logits, [N, K], that are as bad for each box's label as interval propagation can prove (METHOD.md §1, §4 rule `interval`): those
 * of the box's centre as it comes out of the layers before the last, and of every rival j what (W_c − W_j)·z can lose on the
 * rest of the way. So label minus rival is the lower bound of that margin. Differentiable; in float32 and not rounded outward,
 * which is for training and proves nothing: src/main/math/boxPropagation.ts does.
 * @param labels [N, K], one-hot
 */
export function worstLogits({ layers, groupSize }: EffectiveHead, given: Boxes, labels: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    let boxes = given;
    for (const layer of layers.slice(0, -1)) boxes = sorted(throughLayer(layer, boxes), groupSize);
    const { weight, bias } = layers.at(-1)!;
    const logits = tf.add(tf.matMul(boxes.centre, weight, false, true), bias);
    return tf.add(logits, lossesOf(weight, boxes.halfWidth, labels));
  });
}

type Layer = EffectiveHead['layers'][number];

/** W·centre + b ± |W|·halfWidth */
function throughLayer({ weight, bias }: Layer, { centre, halfWidth }: Boxes): Boxes {
  return {
    centre: tf.add(tf.matMul(centre, weight, false, true), bias),
    halfWidth: tf.matMul(halfWidth, tf.abs(weight), false, true),
  };
}

/** Lower and upper bounds sorted each by itself, which is exact. */
function sorted({ centre, halfWidth }: Boxes, groupSize: number): Boxes {
  const lower = groupSort(tf.sub(centre, halfWidth), groupSize);
  const upper = groupSort(tf.add(centre, halfWidth), groupSize);
  return {
    centre: tf.mul(tf.add(lower, upper), 0.5),
    halfWidth: tf.mul(tf.sub(upper, lower), 0.5),
  };
}

/** |W_c − W_j|·halfWidth for the label c of each box and every j, [N, K]; zero at c. */
function lossesOf(weight: tf.Tensor2D, halfWidth: tf.Tensor2D, labels: tf.Tensor2D): tf.Tensor2D {
  const [classes, width] = weight.shape;
  const differences = tf.abs(tf.sub(tf.expandDims(weight, 1), tf.expandDims(weight, 0))); // [K, K, width]
  const pairs = tf.matMul(halfWidth, tf.reshape(differences, [classes * classes, width]), false, true); // [N, K·K]
  const byClass = tf.reshape(pairs, [-1, classes, classes]); // [N, c, j]
  return tf.sum(tf.mul(byClass, tf.expandDims(labels, 2)), 1);
}
