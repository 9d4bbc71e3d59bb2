import * as tf from '@tensorflow/tfjs-core';
import { standardNormal, type NoiseSource } from '../ops/standardNormal.ts';
import { rowsPerImage, type GaussianTraining, type UnattackedTraining } from './effectiveTraining.ts';

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
 * The inputs that a training step without an attack sees (METHOD.md §2): the images themselves; under `noise` x + η with η ~ N(0, I) scaled
 * down to ‖η‖₂ ≤ epsilon; under `gaussian` x + η with η ~ N(0, σ²I), m draws of each image with consistency. Rows of an image are neighbours.
 * @param images [N, H, W, C], normalised
 * @param source where the noise starts; not read by procedures without
 * @returns [N·m, H, W, C]
 */
export function perturbForTraining(
  images: tf.Tensor4D,
  settings: UnattackedTraining | GaussianTraining,
  source: NoiseSource,
): tf.Tensor4D {
  const [count, ...shape] = images.shape;
  const size = images.size / count;
  switch (settings.procedure) {
    case 'normal':
      return tf.clone(images);
    case 'noise':
      return tf.tidy(() => {
        const eta = standardNormal(source, [count, size]);
        return tf.add(images, tf.reshape(projectToBall(eta, settings.epsilon), images.shape));
      });
    case 'gaussian':
      return tf.tidy(() => {
        const rows = rowsPerImage(settings);
        const eta = tf.mul(
          tf.reshape(standardNormal(source, [count, rows * size]), [count, rows, size]),
          settings.sigma,
        );
        const noisy = tf.add(tf.reshape(images, [count, 1, size]), eta);
        return tf.reshape(noisy, [count * rows, ...shape] as [number, number, number, number]);
      });
  }
}

/**
 * One noisy input of each image, x + σ·η, [N, H, W, C].
 * @param images [N, H, W, C], normalised
 */
export function withGaussianNoise(images: tf.Tensor4D, sigma: number, source: NoiseSource): tf.Tensor4D {
  return tf.tidy(() => {
    const eta = standardNormal(source, [images.shape[0], images.size / images.shape[0]]);
    return tf.add(images, tf.reshape(tf.mul(eta, sigma), images.shape));
  });
}
