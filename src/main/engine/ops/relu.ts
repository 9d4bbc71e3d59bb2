import * as tf from '@tensorflow/tfjs-core';
import { nativeBackend } from './native.ts';

/**
 * max(x, 0). On `tensorflow` with TensorFlow's own gradient, one pass over dy and the output; elsewhere with tfjs's,
 * which makes a mask of x and multiplies by it.
 */
export function relu<T extends tf.Tensor>(x: T): T {
  const native = nativeBackend();
  if (native === null) return tf.relu(x);
  const attributes = [{ name: 'T', type: native.binding.TF_ATTR_TYPE, value: native.binding.TF_FLOAT }];
  const op = tf.customGrad((...args) => {
    const [input, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
    const y = native.executeSingleOutput('Relu', attributes, [input]);
    save([y]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor =>
      native.executeSingleOutput('ReluGrad', attributes, [dy, ...saved]);
    return { value: y, gradFunc };
  });
  return op(x) as T;
}
