import * as tf from '@tensorflow/tfjs-core';

export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

export interface TensorMetadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** The part of tfjs-node's binding that the engine calls itself. */
export interface NativeBinding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_STRING: number;
  readonly TF_RESOURCE: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_SHAPE: number;
  /** Shares the memory of a typed array with TensorFlow; strings come as an array of their bytes. */
  createTensor(shape: readonly number[], dtype: number, values: ArrayBufferView | readonly Uint8Array[]): number;
  deleteTensor(id: number): void;
  /** A copy of the values. */
  tensorDataSync(id: number): ArrayBufferView;
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorMetadata[];
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  /** @param inputNames, outputNames "node:output", separated by commas */
  runSavedModel(id: number, inputs: readonly number[], inputNames: string, outputNames: string): TensorMetadata[];
  getNumOfSavedModels(): number;
  getNumOfTensors(): number;
}

/** tfjs-node's backend: runs any TensorFlow op by name. */
export interface NativeBackend {
  readonly binding: NativeBinding;
  readonly isUsingGpuDevice: boolean;
  executeMultipleOutputs(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.Tensor[],
    outputs: number,
  ): tf.Tensor[];
  executeSingleOutput(name: string, attributes: readonly OpAttribute[], inputs: readonly tf.Tensor[]): tf.Tensor;
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
  /** The binding's number for each tensor; uploads those that are still on the host. */
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
}

/** The backend in use if it is TensorFlow itself, else null: callers then compose the op from tfjs kernels. */
export function nativeBackend(): NativeBackend | null {
  return tf.getBackend() === 'tensorflow' ? (tf.backend() as unknown as NativeBackend) : null;
}
