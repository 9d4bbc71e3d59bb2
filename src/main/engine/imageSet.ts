import * as tf from '@tensorflow/tfjs-core';

/** Normalised images by index, as src/main/data serves them. */
export interface ImageSet {
  readonly count: number;
  readonly shape: { readonly height: number; readonly width: number; readonly channels: number };
  readonly classes: number;
  /** [n, H, W, C], normalised */
  images(indices: Int32Array): Float32Array;
  /** [n] */
  labels(indices: Int32Array): Int32Array;
}

/** [n, H, W, C] on the device. */
export function imageTensor(set: ImageSet, indices: Int32Array): tf.Tensor4D {
  const { height, width, channels } = set.shape;
  return tf.tensor4d(set.images(indices), [indices.length, height, width, channels]);
}

/** 0 … count − 1 */
export function everyIndex({ count }: Pick<ImageSet, 'count'>): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}

/** Consecutive parts of at most `size`. */
export function* batches(indices: Int32Array, size: number): Generator<Int32Array> {
  for (let start = 0; start < indices.length; start += size) yield indices.subarray(start, start + size);
}
