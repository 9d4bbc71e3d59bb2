import * as tf from '@tensorflow/tfjs-core';
import type { ImageShape } from '../../data/catalogue.ts';

interface Perturbed {
  /** [N, size] */
  readonly images: tf.Tensor2D;
  /** [N, size] */
  readonly delta: tf.Tensor2D;
  readonly shape: ImageShape;
}

interface Loss {
  /** From images [N, H, W, C] to what the loss reads. */
  readonly see: (images: tf.Tensor4D) => tf.Tensor2D;
  /** A scalar. */
  readonly of: (seen: tf.Tensor2D) => tf.Tensor;
}

/** d loss/dδ at x + δ, [N, size], and what the loss read there, from one forward pass. Inside tidy. */
export function lossGradient(
  { images, delta, shape: { height, width, channels } }: Perturbed,
  loss: Loss,
): { gradient: tf.Tensor; seen: tf.Tensor2D } {
  let kept: tf.Tensor2D | null = null;
  try {
    const gradient = tf.grad((d: tf.Tensor) => {
      const input: tf.Tensor4D = tf.reshape(tf.add(images, d), [images.shape[0], height, width, channels]);
      kept = tf.keep(loss.see(input));
      return loss.of(kept);
    })(delta);
    // Kept over the end of the gradient's scope; from here on the step's scope takes care of the clone.
    return { gradient, seen: tf.clone(kept!) };
  } finally {
    // Null, which tfjs passes over, where the forward pass did not come so far.
    tf.dispose(kept!);
  }
}
