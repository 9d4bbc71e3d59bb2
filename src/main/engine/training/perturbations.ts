import * as tf from '@tensorflow/tfjs-core';
import { standardNormal, type NoiseSource } from '../ops/standardNormal.ts';
import type { UnattackedTraining } from './effectiveTraining.ts';

/** Keeps the division finite for a zero row, which any factor leaves at zero. */
const SMALLEST_NORM = 1e-30;

/** Rows of δ, [N, size], scaled down to ‖δ‖₂ ≤ epsilon; rows inside stay as they are. */
export function projectToBall(delta: tf.Tensor2D, epsilon: number): tf.Tensor2D {
  return tf.tidy(() => {
    const norm = tf.sqrt(tf.sum(tf.square(delta), 1, true));
    return tf.mul(delta, tf.minimum(1, tf.div(epsilon, tf.maximum(norm, SMALLEST_NORM))));
  });
}

/**
 * The inputs that a training step without an attack sees (METHOD.md §2): the images themselves, or under `noise` x + η with η ~ N(0, I) scaled
 * down to ‖η‖₂ ≤ epsilon.
 * @param images [N, H, W, C], normalised
 * @param source where the noise starts; not read by procedures without
 */
export function perturbForTraining(
  images: tf.Tensor4D,
  { procedure, epsilon }: Pick<UnattackedTraining, 'procedure' | 'epsilon'>,
  source: NoiseSource,
): tf.Tensor4D {
  switch (procedure) {
    case 'normal':
      return tf.clone(images);
    case 'noise':
      return tf.tidy(() => {
        const [count, height, width, channels] = images.shape;
        const eta = standardNormal(source, [count, height * width * channels]);
        return tf.add(images, tf.reshape(projectToBall(eta, epsilon), images.shape));
      });
  }
}
