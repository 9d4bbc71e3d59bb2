import * as tf from '@tensorflow/tfjs-core';
import type { StageContext } from './context.ts';

/** Rows made part by part, [Σ n, D], breathing after each; told to stop, it leaves nothing behind. */
export async function inParts<Part>(
  parts: Iterable<Part>,
  rowsOf: (part: Part) => tf.Tensor2D,
  context: StageContext,
): Promise<tf.Tensor2D> {
  const made: tf.Tensor2D[] = [];
  try {
    for (const part of parts) {
      made.push(tf.tidy(() => rowsOf(part)));
      await context.breathe();
    }
    return tf.concat(made, 0);
  } finally {
    tf.dispose(made);
  }
}
