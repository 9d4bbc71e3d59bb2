import * as tf from '@tensorflow/tfjs-core';

/** Named tensors. A model is a pure function of its parameters; nothing holds them in an object. */
export type Parameters = Readonly<Record<string, tf.Tensor>>;

export interface NamedArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
export type NamedArrays = Readonly<Record<string, NamedArray>>;

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

export function mapValues<T, U>(record: Readonly<Record<string, T>>, map: (value: T, name: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}

/** The entries under a prefix, without it; and the inverse. */
export function withoutPrefix<T>(record: Readonly<Record<string, T>>, prefix: string): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}
export function withPrefix<T>(record: Readonly<Record<string, T>>, prefix: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [prefix + name, value]));
}
