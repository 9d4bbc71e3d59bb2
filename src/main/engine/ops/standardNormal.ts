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

export interface NormalDraws {
  readonly key: PhiloxKey;
  /** Index of the first draw; draw i is the same whatever range asks for it. */
  readonly first: number;
  readonly count: number;
  /** Values of one draw. */
  readonly size: number;
}

/**
 * Independent standard normals [count, size] from counter-based Philox: draw i depends on (key, i, size) alone, so
 * batches of any size, in any order, give the same draws bit for bit (METHOD.md §4).
 */
export function standardNormal({ key, first, count, size }: NormalDraws): tf.Tensor2D {
  const countersPerDraw = Math.ceil(size / NORMALS_PER_COUNTER);
  const padded = countersPerDraw * NORMALS_PER_COUNTER;
  const counter = first * countersPerDraw;
  return tf.tidy(() => {
    const native = nativeBackend();
    const draws =
      native === null
        ? hostNormals([count, padded], key, counter)
        : nativeNormals(native, [count, padded], { key, counter });
    return padded === size ? draws : tf.slice(draws, [0, 0], [count, size]);
  });
}

function hostNormals(shape: [number, number], key: PhiloxKey, counter: number): tf.Tensor2D {
  const values = new Float32Array(shape[0] * shape[1]);
  fillStandardNormal(values, key, counter);
  return tf.tensor2d(values, shape);
}

function nativeNormals(
  native: NativeBackend,
  shape: [number, number],
  { key, counter }: { key: PhiloxKey; counter: number },
): tf.Tensor2D {
  const { binding } = native;
  const unsigned64 = (words: number[]): number => {
    const signed = binding.createTensor([words.length / 2], binding.TF_INT64, Int32Array.from(words));
    const [bits] = binding.executeOp(
      'Bitcast',
      [
        { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_INT64 },
        { name: 'type', type: binding.TF_ATTR_TYPE, value: TF_UINT64 },
      ],
      [signed],
      1,
    );
    binding.deleteTensor(signed);
    return bits.id;
  };
  const inputs = [
    binding.createTensor([2], binding.TF_INT32, Int32Array.from(shape)),
    unsigned64([key[0], key[1]]),
    unsigned64([counter % 2 ** 32, Math.floor(counter / 2 ** 32), 0, 0]),
    binding.createTensor([], binding.TF_INT32, Int32Array.of(ALGORITHM_PHILOX)),
  ];
  const [metadata] = binding.executeOp(
    'StatelessRandomNormalV2',
    [
      { name: 'dtype', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
      { name: 'Tshape', type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 },
    ],
    inputs,
    1,
  );
  for (const id of inputs) binding.deleteTensor(id);
  return native.createOutputTensor(metadata) as tf.Tensor2D;
}
