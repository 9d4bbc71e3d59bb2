import { describe, expect, test } from 'vitest';
import { resizeArea } from '../../src/main/data/resize.ts';

interface Case {
  readonly name: string;
  readonly from: readonly [number, number, number];
  readonly to: readonly [number, number];
  readonly values: readonly number[];
  readonly expected: readonly number[];
}

/** By hand: each new pixel is the mean over the area it covers. */
const CASES: readonly Case[] = [
  { name: 'halves', from: [2, 4, 1], to: [1, 2], values: [1, 2, 3, 4, 5, 6, 7, 8], expected: [3.5, 5.5] },
  { name: 'doubles', from: [1, 2, 1], to: [2, 4], values: [3, 9], expected: [3, 3, 9, 9, 3, 3, 9, 9] },
  // New pixels cover 1.5 old ones: (1 + 2/2)/1.5 and (2/2 + 4)/1.5.
  { name: '3 to 2', from: [1, 3, 1], to: [1, 2], values: [1, 2, 4], expected: [4 / 3, 10 / 3] },
  { name: '3 to 2 along the height', from: [3, 1, 1], to: [2, 1], values: [1, 2, 4], expected: [4 / 3, 10 / 3] },
  // New pixels cover 2/3 of an old one: the middle one lies half on each.
  { name: '2 to 3', from: [1, 2, 1], to: [1, 3], values: [1, 4], expected: [1, 2.5, 4] },
  { name: 'keeps channels apart', from: [1, 2, 2], to: [1, 1], values: [1, 10, 3, 30], expected: [2, 20] },
  { name: 'keeps images apart', from: [2, 1, 1], to: [1, 1], values: [1, 3, 10, 30], expected: [2, 20] },
  { name: 'grows one axis, shrinks the other', from: [2, 1, 1], to: [1, 2], values: [1, 3], expected: [2, 2] },
];

const shapeOf = ([height, width, channels]: Case['from']): { height: number; width: number; channels: number } => ({
  height,
  width,
  channels,
});

describe('resizeArea', () => {
  test.each([
    { values: 5, from: [2, 2, 1], to: [1, 1] },
    { values: 4, from: [2, 2, 1], to: [0, 1] },
    { values: 4, from: [2, 2, 1], to: [1, 1.5] },
  ] as const)('refuses $values values of $from to $to', ({ values, from, to: [height, width] }) => {
    expect(() => resizeArea(new Float32Array(values), shapeOf(from), { height, width })).toThrow(/^internal: resizing/);
  });

  test.each(CASES)('$name', ({ from, to: [height, width], values, expected }) => {
    for (const images of [Float32Array.from(values), Uint8Array.from(values)]) {
      expect(resizeArea(images, shapeOf(from), { height, width })).toEqual(Float32Array.from(expected));
    }
  });

  test('to the same size returns the same values in an array of its own', () => {
    const images = Float32Array.of(0.1, -0, 1e-40, 7);
    const same = resizeArea(images, { height: 2, width: 2, channels: 1 }, { height: 2, width: 2 });
    expect(same).toEqual(images);
    expect(same.buffer).not.toBe(images.buffer);
  });

  test.each([
    [28, 32],
    [32, 28],
    [96, 32],
  ])('keeps the mean of an image and a constant image, %i to %i', (from, to) => {
    const shape = { height: from, width: from, channels: 1 };
    const ramp = Uint8Array.from({ length: from * from }, (_, i) => (i * 37) % 251);
    const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, v) => a + v, 0) / values.length;
    const resized = resizeArea(ramp, shape, { height: to, width: to });
    // Each value is rounded once to float32.
    expect(Math.abs(mean(resized) - mean(ramp))).toBeLessThanOrEqual(2 ** -24 * 251);
    const constant = resizeArea(new Uint8Array(from * from).fill(77), shape, { height: to, width: to });
    expect(new Set(constant)).toEqual(new Set([77]));
  });
});
