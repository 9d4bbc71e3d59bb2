import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { CONVOLUTION_SHAPES, describeShape, spreadValues } from './gradientCases.ts';
import type { ConvolutionShape } from './gradientCases.ts';

beforeAll(async () => {
  await openBackend('wasm', {});
});

/** Σ upstream·conv2d(x, filter), summed in float64. */
function loss(
  { stride, pad }: ConvolutionShape,
  [x, filter, upstream]: readonly [tf.Tensor4D, tf.Tensor4D, Float32Array],
): number {
  const y = tf.tidy(() => tf.conv2d(x, filter, stride, pad));
  const sum = (y.dataSync() as Float32Array).reduce((total, value, i) => total + value * upstream[i], 0);
  y.dispose();
  return sum;
}

describe('Conv2DBackpropFilter on wasm', () => {
  it('refuses channels-first data, naming the layout it takes', () => {
    const attrs = { strides: 1, pad: 'same', dataFormat: 'NCHW', filterShape: [1, 1, 1, 1] };
    const ones = tf.ones([1, 1, 2, 2]);
    expect(() => tf.engine().runKernel(tf.Conv2DBackpropFilter, { x: ones, dy: ones }, attrs)).toThrow(
      /NCHW, expected NHWC/,
    );
  });

  it.each(CONVOLUTION_SHAPES.map((shape) => [describeShape(shape), shape] as const))(
    'is the finite difference of %s',
    (_, shape) => {
      const x = spreadValues(shape.x, -1, 1) as tf.Tensor4D;
      const filter = spreadValues(shape.filter, -1, 1) as tf.Tensor4D;
      const output = tf.conv2d(x, filter, shape.stride, shape.pad);
      const upstream = spreadValues(output.shape, -3, 5) as tf.Tensor4D;
      const weights = upstream.dataSync() as Float32Array;
      const convolve = (f: tf.Tensor): tf.Tensor => tf.conv2d(x, f as tf.Tensor4D, shape.stride, shape.pad);
      const gradient = tf.grad(convolve)(filter, upstream).dataSync() as Float32Array;
      const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      // The loss is linear in the filter, so a step of 1 has no truncation error; what is left is the rounding of one
      // float32 sum a pixel, over kh·kw·ci products below 2, weighted by at most 5.
      const [kh, kw, ci] = shape.filter;
      const tolerance = Math.max(2 ** -22 * kh * kw * ci * weights.length ** 0.5 * 5, output.size * 2 ** -23 * largest);
      for (let i = 0; i < filter.size; i++) {
        const step = tf.tensor(
          Float32Array.from({ length: filter.size }, (__, j) => (j === i ? 1 : 0)),
          shape.filter,
        );
        const up = loss(shape, [x, tf.add(filter, step), weights]);
        const down = loss(shape, [x, tf.sub(filter, step), weights]);
        expect(Math.abs((up - down) / 2 - gradient[i])).toBeLessThanOrEqual(tolerance);
      }
    },
  );
});

describe('UnsortedSegmentSum on wasm', () => {
  it('sums rows of one segment and leaves an empty segment at zero', () => {
    const x = tf.tensor2d([1, 10, 100, 1000, 5, 7], [3, 2]);
    const sums = tf.unsortedSegmentSum(x, tf.tensor1d([2, 0, 2], 'int32'), 4);
    expect(sums.shape).toEqual([4, 2]);
    expect([...sums.dataSync()]).toEqual([100, 1000, 0, 0, 6, 17, 0, 0]);
  });
});

interface SliceCase {
  readonly begin: number[];
  readonly end: number[];
  readonly strides: number[];
  /** beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask */
  readonly masks?: readonly [number, number, number, number, number];
}

const SLICES: readonly SliceCase[] = [
  { begin: [0, 0, 0], end: [2, 5, 7], strides: [1, 2, 3] },
  { begin: [0, 1, 2], end: [2, 4, 7], strides: [1, 2, 2] },
  { begin: [1, 4, 6], end: [0, 0, 0], strides: [-1, -2, -3] },
  { begin: [0, 1, 0], end: [2, 2, 7], strides: [1, 1, 2], masks: [0, 0, 0, 0, 2] },
  { begin: [0, 0, 1], end: [0, 0, 6], strides: [1, 1, 2], masks: [0, 0, 1, 0, 0] },
  { begin: [0, 0, 1, 0], end: [1, 2, 4, 7], strides: [1, 1, 2, 1], masks: [0, 0, 0, 1, 0] },
  { begin: [9, 9, 1], end: [9, 9, 2], strides: [1, 1, 2], masks: [3, 3, 0, 0, 0] },
  { begin: [0, 2, 0], end: [2, 2, 7], strides: [1, 2, 1] },
];

describe('stridedSlice on wasm', () => {
  it('drops an axis beside a stride, forwards and backwards', () => {
    const x = tf.reshape(tf.range(0, 70, 1, 'float32'), [2, 5, 7]);
    const forwards = tf.stridedSlice(x, [0, 1, 0], [2, 2, 7], [1, 1, 2], 0, 0, 0, 0, 2);
    expect(forwards.shape).toEqual([2, 4]);
    expect([...forwards.dataSync()]).toEqual([7, 9, 11, 13, 42, 44, 46, 48]);
    const backwards = tf.stridedSlice(x, [1, 0, 6], [2, 0, 0], [1, 1, -3], 0, 6, 0, 0, 1);
    expect(backwards.shape).toEqual([5, 3]);
    expect([...backwards.dataSync()].slice(0, 6)).toEqual([41, 38, 35, 48, 45, 42]);
  });

  it('leaves no tensor and no data behind', () => {
    const x = tf.zeros([2, 5, 7]);
    const before = tf.memory();
    tf.dispose(tf.stridedSlice(x, [0, 1, 0], [2, 2, 7], [1, 1, 2], 0, 0, 0, 0, 2));
    const { numTensors, numDataBuffers } = tf.memory();
    expect({ numTensors, numDataBuffers }).toEqual({
      numTensors: before.numTensors,
      numDataBuffers: before.numDataBuffers,
    });
  });
});

describe('the gradient of stridedSlice', () => {
  it.each(SLICES)(
    'puts each upstream element where %j took it from',
    ({ begin, end, strides, masks = [0, 0, 0, 0, 0] }) => {
      const shape = [2, 5, 7];
      const slice = (x: tf.Tensor): tf.Tensor => tf.stridedSlice(x, begin, end, strides, ...masks);
      // Slicing the elements' own positions says which were taken.
      const positions = slice(tf.reshape(tf.range(0, 70, 1, 'float32'), shape));
      const upstream = spreadValues(positions.shape, 1, 2);
      const expected = new Float32Array(70);
      const values = upstream.dataSync();
      positions.dataSync().forEach((position, i) => {
        expected[position] = values[i]!;
      });
      const gradient = tf.grad(slice)(tf.zeros(shape), upstream);
      expect(gradient.shape).toEqual(shape);
      expect([...gradient.dataSync()]).toEqual([...expected]);
    },
  );
});
