import * as tf from '@tensorflow/tfjs-core';
import { fillStandardNormal } from '../../math/philox.ts';
import { nativeBackend, type NativeBackend } from './native.ts';

/** A 64-bit Philox key as two unsigned 32-bit halves, low first. */
export type PhiloxKey = readonly [number, number];

/** Normals that one step of the Philox counter yields. */
const NORMALS_PER_COUNTER = 4;

/** Philox-4x32-10 in the numbering of TensorFlow's stateless random ops. */
const ALGORITHM_PHILOX = 1;

/** tensorflow/c/tf_datatype.h; tfjs has no name for it. */
const TF_UINT64 = 23;

/** Where draws start in the stream of a key, as tensors, so that a compiled step takes it as an input. */
export interface NoiseSource {
  /** int32 [1, 2]: the 64-bit key, low half first */
  readonly key: tf.Tensor;
  /** int32 [2, 2]: the 128-bit counter of the first value, low part first */
  readonly counter: tf.Tensor;
}

export interface FirstDraw {
  readonly key: PhiloxKey;
  /** Index of the first draw; draw i is the same whatever range asks for it. */
  readonly first: number;
  /** Values of one draw. */
  readonly size: number;
}

const countersOf = (size: number): number => Math.ceil(size / NORMALS_PER_COUNTER);

/** The source whose first draw of `size` values is draw `first` of the key. */
export function noiseSource({ key, first, size }: FirstDraw): NoiseSource {
  const counter = first * countersOf(size);
  return {
    key: tf.tensor(Int32Array.from(key), [1, 2], 'int32'),
    counter: tf.tensor(Int32Array.of(counter % 2 ** 32, Math.floor(counter / 2 ** 32), 0, 0), [2, 2], 'int32'),
  };
}

/**
 * Fills `out`, [count, size], with what standardNormal gives on backends other than TensorFlow, whose own op has other last digits.
 * @throws RangeError if a counter is not a safe integer ≥ 0
 */
export function fillDraws(out: Float32Array, { key, first, size }: FirstDraw): void {
  const counters = countersOf(size);
  // Draws of whole counters follow each other in the stream.
  const step = counters * NORMALS_PER_COUNTER === size ? out.length : size;
  for (let start = 0; start < out.length; start += step) {
    fillStandardNormal(out.subarray(start, start + step), key, (first + start / size) * counters);
  }
}

/**
 * Independent standard normals [count, size] from counter-based Philox: draw i depends on (key, i, size) alone, so
 * batches of any size, in any order, give the same draws bit for bit (METHOD.md §4).
 * @param shape [count, size], with the size that the source was made for
 */
export function standardNormal(source: NoiseSource, [count, size]: readonly [number, number]): tf.Tensor2D {
  const padded = countersOf(size) * NORMALS_PER_COUNTER;
  return tf.tidy(() => {
    const native = nativeBackend();
    const draws =
      native === null ? hostNormals(source, [count, padded]) : nativeNormals(native, source, [count, padded]);
    return padded === size ? draws : tf.slice(draws, [0, 0], [count, size]);
  });
}

/** Key and counter are never computed with: they are still on the host, so that webgpu too gives them without waiting. */
function hostNormals({ key, counter }: NoiseSource, shape: [number, number]): tf.Tensor2D {
  const values = new Float32Array(shape[0] * shape[1]);
  const [low, high] = Uint32Array.from(key.dataSync<'int32'>());
  const words = Uint32Array.from(counter.dataSync<'int32'>());
  fillStandardNormal(values, [low, high], words[0] + words[1] * 2 ** 32);
  return tf.tensor2d(values, shape);
}

function nativeNormals(
  native: NativeBackend,
  { key, counter }: NoiseSource,
  shape: readonly [number, number],
): tf.Tensor2D {
  const { binding } = native;
  const words = native.getInputTensorIds([key, counter]);
  const unsigned64 = (pairs: number): number => {
    const attributes = [
      { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 },
      { name: 'type', type: binding.TF_ATTR_TYPE, value: TF_UINT64 },
    ];
    return binding.executeOp('Bitcast', attributes, [pairs], 1)[0].id;
  };
  const inputs = [
    binding.createTensor([2], binding.TF_INT32, Int32Array.from(shape)),
    ...words.map(unsigned64),
    binding.createTensor([], binding.TF_INT32, Int32Array.of(ALGORITHM_PHILOX)),
  ];
  try {
    const [metadata] = binding.executeOp(
      'StatelessRandomNormalV2',
      [
        { name: 'dtype', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
        { name: 'Tshape', type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 },
      ],
      inputs,
      1,
    );
    return native.createOutputTensor(metadata) as tf.Tensor2D;
  } finally {
    for (const id of inputs) binding.deleteTensor(id);
  }
}
