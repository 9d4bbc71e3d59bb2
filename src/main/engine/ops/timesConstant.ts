import * as tf from '@tensorflow/tfjs-core';
import { nativeBackend } from './native.ts';

/**
 * x·W, [N, outputs], for constant weights W, [inputs, outputs]. On `tensorflow` by the op MatMul: what tfjs calls there
 * is BatchMatMulV2, which takes twice the time. Differentiable in x alone.
 */
export function timesConstant(x: tf.Tensor2D, weight: tf.Tensor2D): tf.Tensor2D {
  const native = nativeBackend();
  if (native === null) return tf.matMul(x, weight);
  const { binding } = native;
  const product = (a: tf.Tensor, transposed: boolean): tf.Tensor =>
    native.executeSingleOutput(
      'MatMul',
      [
        { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
        { name: 'transpose_a', type: binding.TF_ATTR_BOOL, value: false },
        { name: 'transpose_b', type: binding.TF_ATTR_BOOL, value: transposed },
      ],
      [a, weight],
    );
  const op = tf.customGrad((...args) => ({
    value: product(args[0] as tf.Tensor, false),
    gradFunc: (dy: tf.Tensor) => product(dy, true),
  }));
  return op(x) as tf.Tensor2D;
}
