import * as tf from '@tensorflow/tfjs-core';
import { valuesOf } from '../readBack.ts';
import { mapValues, type NamedArray, type NamedArrays } from './arrays.ts';

/** Named tensors. A model is a pure function of its parameters; nothing holds them in an object. */
export type Parameters = Readonly<Record<string, tf.Tensor>>;

export function parametersFrom(arrays: NamedArrays): Parameters {
  return mapValues(arrays, ({ shape, data }) => tf.tensor(data, [...shape], 'float32'));
}

/** Copies to the host; the tensors stay. */
export async function arraysFrom(parameters: Parameters): Promise<NamedArrays> {
  const read = async ([name, tensor]: [string, tf.Tensor]): Promise<[string, NamedArray]> => [
    name,
    { shape: tensor.shape, data: await valuesOf(tensor) },
  ];
  return Object.fromEntries(await Promise.all(Object.entries(parameters).map(read)));
}

export function disposeParameters(parameters: Parameters): void {
  for (const tensor of Object.values(parameters)) tensor.dispose();
}
