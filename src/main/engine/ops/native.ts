import * as tf from '@tensorflow/tfjs-core';

export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

interface TensorMetadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** The part of tfjs-node's binding that the engine calls itself. */
export interface NativeBinding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_INT64: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_BOOL: number;
  createTensor(shape: readonly number[], dtype: number, values: Int32Array | Float32Array): number;
  deleteTensor(id: number): void;
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorMetadata[];
}

/** tfjs-node's backend: runs any TensorFlow op by name. */
export interface NativeBackend {
  readonly binding: NativeBinding;
  executeMultipleOutputs(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.Tensor[],
    outputs: number,
  ): tf.Tensor[];
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
}

/** The backend in use if it is TensorFlow itself, else null: callers then compose the op from tfjs kernels. */
export function nativeBackend(): NativeBackend | null {
  return tf.getBackend() === 'tensorflow' ? (tf.backend() as unknown as NativeBackend) : null;
}
