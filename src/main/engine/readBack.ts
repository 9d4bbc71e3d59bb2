import type * as tf from '@tensorflow/tfjs-core';

// Values are awaited on every backend, because WebGPU gives them in no other way.

/** A copy of a float32 tensor's values on the host; the tensor stays. */
export async function valuesOf(tensor: tf.Tensor): Promise<Float32Array> {
  return Float32Array.from(await tensor.data<'float32'>());
}

/** The values of a tensor that nothing else needs: it is disposed of. */
export async function takeValues(tensor: tf.Tensor): Promise<Float32Array> {
  try {
    return await valuesOf(tensor);
  } finally {
    tensor.dispose();
  }
}
