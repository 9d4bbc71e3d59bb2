import * as tf from '@tensorflow/tfjs-core';
import type { DomainImages } from '../data/transfer.ts';

/** [n, H, W, C] on the device. */
export function imageTensor(set: DomainImages, indices: Int32Array): tf.Tensor4D {
  const { height, width, channels } = set.shape;
  return tf.tensor4d(set.images(indices), [indices.length, height, width, channels]);
}

/** 0 … count − 1 */
export function everyIndex({ count }: Pick<DomainImages, 'count'>): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}

/** Consecutive parts of at most `size`. */
export function* batches(indices: Int32Array, size: number): Generator<Int32Array> {
  for (let start = 0; start < indices.length; start += size) yield indices.subarray(start, start + size);
}
