import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';

interface StridedSliceAttributes {
  readonly begin: number[];
  readonly end: number[];
  readonly strides: number[];
  readonly beginMask: number;
  readonly endMask: number;
  readonly ellipsisMask: number;
  readonly newAxisMask: number;
  readonly shrinkAxisMask: number;
}

let registered = false;

/**
 * Registers the gradients of tfjs's ops, on every backend. The built tfjs-core has none of them inside: they are in
 * the package that bundles it, and that package says nothing about a backend. Adds the one that tfjs lacks.
 */
export function registerGradients(): void {
  if (registered) return;
  createRequire(import.meta.url)('@tensorflow/tfjs');
  tf.registerGradient({
    kernelName: tf.StridedSlice,
    inputsToSave: ['x'],
    gradFunc: (dy, saved, attrs) => ({
      x: () => stridedSliceGradient(dy as tf.Tensor, saved[0].shape, attrs as unknown as StridedSliceAttributes),
    }),
  });
  registered = true;
}

/** dL/dx of shape `shape`: the elements of dy where the slice took them from, zeros elsewhere. */
function stridedSliceGradient(dy: tf.Tensor, shape: number[], attrs: StridedSliceAttributes): tf.Tensor {
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attrs;
  const slice = tf.slice_util.sliceInfo(
    shape,
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  return shape.reduce(
    (spread, size, axis) => spreadAlong(spread, { axis, size, first: slice.begin[axis], stride: slice.strides[axis] }),
    // One dimension for each of x's, before new axes were added and others dropped.
    tf.reshape(
      dy,
      shape.map((_, axis) => sliceLength(slice, axis)),
    ),
  );
}

function sliceLength(
  { begin, end, strides }: { begin: number[]; end: number[]; strides: number[] },
  axis: number,
): number {
  return Math.max(0, Math.ceil((end[axis] - begin[axis]) / strides[axis]));
}

/** Puts element i of an axis at first + i·stride of an axis of `size`, zeros between. */
function spreadAlong(
  dy: tf.Tensor,
  {
    axis,
    size,
    first,
    stride,
  }: { readonly axis: number; readonly size: number; readonly first: number; readonly stride: number },
): tf.Tensor {
  const count = dy.shape[axis];
  if (count === 0) return tf.zeros(dy.shape.map((length, i) => (i === axis ? size : length)));
  if (count === size && stride === 1) return dy;
  const step = Math.abs(stride);
  const ascending = stride > 0 ? dy : tf.reverse(dy, axis);
  const start = stride > 0 ? first : first + (count - 1) * stride;
  const before = dy.shape.slice(0, axis);
  const after = dy.shape.slice(axis + 1);
  const outer = before.reduce((a, b) => a * b, 1);
  const inner = after.reduce((a, b) => a * b, 1);
  // [outer, count, inner] → zeros after each element → [outer, count·step, inner]
  const apart = tf.pad(tf.reshape(ascending, [outer, count, 1, inner]), [
    [0, 0],
    [0, 0],
    [0, step - 1],
    [0, 0],
  ]);
  const length = (count - 1) * step + 1;
  const tight = tf.slice(tf.reshape(apart, [outer, count * step, inner]), [0, 0, 0], [outer, length, inner]);
  const placed = tf.pad(tight, [
    [0, 0],
    [start, size - start - length],
    [0, 0],
  ]);
  return tf.reshape(placed, [...before, size, ...after]);
}
