import * as tf from '@tensorflow/tfjs-core';
import type { NamedArray } from '../../../src/main/engine/models/arrays.ts';
import { extract, freeze, initialExtractor, type FrozenExtractor } from '../../../src/main/engine/models/wideResNet.ts';

const NET = { blocks: [1, 1, 1], width: 1 } as const;

/**
 * A WideResNet that is affine in its input as long as that stays small: offsets far above zero and
 * projections without a negative weight keep every ReLU open, and the second convolution of each block is zero. What an attack can do to it has a closed form.
 */
export function affineExtractor(seed = 1): FrozenExtractor {
  const arrays = Object.entries(initialExtractor(NET, 1, seed)).map(([name, { shape, data }]): [string, NamedArray] => {
    if (name.endsWith('.offset')) return [name, { shape, data: data.map(() => 64) }];
    if (name.endsWith('.conv2.weight')) return [name, { shape, data: data.map(() => 0) }];
    if (name.endsWith('.projection.weight')) return [name, { shape, data: data.map(Math.abs) }];
    return [name, { shape, data }];
  });
  return freeze(NET, Object.fromEntries(arrays));
}

/** d(w·f(x))/dx of an affine extractor, [H·W], the same at every x. */
export function slopeOf(extractor: FrozenExtractor, size: number, w: Float32Array): Float32Array {
  return tf.tidy(() => {
    const score = (x: tf.Tensor): tf.Tensor => tf.sum(tf.mul(extract(extractor, x as tf.Tensor4D), tf.tensor1d(w)));
    return tf
      .grad(score)(tf.zeros([1, size, size, 1]))
      .dataSync<'float32'>()
      .slice();
  });
}
