import * as tf from '@tensorflow/tfjs-core';
import type { DomainImages } from '../data/transfer.ts';

/** [n, H, W, C] on the device. */
export function imageTensor(set: DomainImages, indices: Int32Array): tf.Tensor4D {
  return paddedImageTensor(set, indices, indices.length);
}

/**
 * [rows, H, W, C] on the device, zeros after the images. A batch of one size everywhere needs one compiled step, and an
 * image's result does not depend on how many come with it: rounding in a convolution may depend on the batch size.
 */
export function paddedImageTensor(set: DomainImages, indices: Int32Array, rows: number): tf.Tensor4D {
  const { height, width, channels } = set.shape;
  const images = set.images(indices);
  const size = height * width * channels;
  if (rows === indices.length) return tf.tensor4d(images, [rows, height, width, channels]);
  const padded = new Float32Array(rows * size);
  padded.set(images);
  return tf.tensor4d(padded, [rows, height, width, channels]);
}

/** 0 … count − 1 */
export function everyIndex({ count }: Pick<DomainImages, 'count'>): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}

/** Consecutive parts of at most `size`. */
export function* batches(indices: Int32Array, size: number): Generator<Int32Array> {
  for (let start = 0; start < indices.length; start += size) yield indices.subarray(start, start + size);
}
