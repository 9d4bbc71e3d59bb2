import * as tf from '@tensorflow/tfjs-core';
import { nativeBackend } from './native.ts';

/**
 * x + a constant a channel, [C], the last axis of x. On `tensorflow` by the op BiasAdd, which graphs fuse with the
 * convolution before it and the sum and ReLU behind it. Differentiable in x alone.
 */
export function biasAdd<T extends tf.Tensor>(x: T, bias: tf.Tensor): T {
  const native = nativeBackend();
  if (native === null) return tf.add(x, bias);
  const attributes = [{ name: 'T', type: native.binding.TF_ATTR_TYPE, value: native.binding.TF_FLOAT }];
  const op = tf.customGrad((...args) => {
    const value = native.executeSingleOutput('BiasAdd', attributes, [args[0] as tf.Tensor, bias]);
    return { value, gradFunc: (dy: tf.Tensor) => dy };
  });
  return op(x) as T;
}
