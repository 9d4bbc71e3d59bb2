import * as tf from '@tensorflow/tfjs-core';
import type { DomainImages } from '../data/transfer.ts';
import type { Pass } from './passes.ts';

/** [n, H, W, C] on the device. */
export function imageTensor(set: DomainImages, indices: Int32Array): tf.Tensor4D {
  return imagesOfPass(set, indices, { first: 0, count: indices.length, rows: indices.length });
}

/**
 * The images of a pass over `indices`, [rows, H, W, C] on the device, zeros after them. A batch of one size everywhere
 * needs one compiled step, and an image's result does not depend on how many come with it: rounding in a convolution may
 * depend on the batch size.
 */
export function imagesOfPass(set: DomainImages, indices: Int32Array, { first, count, rows }: Pass): tf.Tensor4D {
  const { height, width, channels } = set.shape;
  const images = set.images(indices.subarray(first, first + count));
  const shape: [number, number, number, number] = [rows, height, width, channels];
  if (rows === count) return tf.tensor4d(images, shape);
  const padded = new Float32Array(rows * height * width * channels);
  padded.set(images);
  return tf.tensor4d(padded, shape);
}

/** 0 … count − 1 */
export function everyIndex({ count }: Pick<DomainImages, 'count'>): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}

/** Consecutive parts of at most `size`. */
export function* batches(indices: Int32Array, size: number): Generator<Int32Array> {
  for (let start = 0; start < indices.length; start += size) yield indices.subarray(start, start + size);
}
