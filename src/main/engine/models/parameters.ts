import * as tf from '@tensorflow/tfjs-core';
import { mapValues, type NamedArrays } from './arrays.ts';

/** Named tensors. A model is a pure function of its parameters; nothing holds them in an object. */
export type Parameters = Readonly<Record<string, tf.Tensor>>;

export function parametersFrom(arrays: NamedArrays): Parameters {
  return mapValues(arrays, ({ shape, data }) => tf.tensor(data, [...shape], 'float32'));
}

/** Copies to the host; the tensors stay. */
export function arraysFrom(parameters: Parameters): NamedArrays {
  return mapValues(parameters, (tensor) => ({
    shape: tensor.shape,
    data: Float32Array.from(tensor.dataSync<'float32'>()),
  }));
}

export function disposeParameters(parameters: Parameters): void {
  for (const tensor of Object.values(parameters)) tensor.dispose();
}
