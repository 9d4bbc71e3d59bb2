import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argmax, headClasses, headInputs, headLogits, type DenseHead } from '../../src/main/math/head.ts';

const layer = (inputs: number, weight: readonly number[], bias: readonly number[]) => ({
  inputs,
  outputs: bias.length,
  weight: Float32Array.from(weight),
  bias: Float32Array.from(bias),
});
const head = (...layers: DenseHead['layers']): DenseHead => ({ constraint: 'none', bound: 1, groupSize: 2, layers });

describe('head', () => {
  it('reads D and K off its layers', () => {
    const two = head(layer(3, Array<number>(12).fill(0), [0, 0, 0, 0]), layer(4, Array<number>(8).fill(0), [0, 0]));
    expect([headInputs(two), headClasses(two)]).toEqual([3, 2]);
  });

  it('is W·z + b for one layer, a row a class', () => {
    const one = head(layer(3, [1, 2, 3, -1, 0, 1], [0.5, -8]));
    expect(headLogits(one, [1, 10, 100])).toEqual(Float64Array.of(321.5, 91));
  });

  it('sorts groups between layers, and nowhere else', () => {
    const identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    const one = head(layer(4, identity, [0, 0, 0, 0]));
    expect(headLogits(one, [3, 1, 2, -5])).toEqual(Float64Array.of(3, 1, 2, -5));
    const reversed = head(layer(4, identity, [0, 0, 0, 0]), layer(4, [0, 0, 0, 1, 1, 0, 0, 0], [0, 10]));
    // [3, 1, 2, −5] → [1, 3, −5, 2] → [its last, its first + 10]
    expect(headLogits(reversed, [3, 1, 2, -5])).toEqual(Float64Array.of(2, 11));
  });

  it('adds in float64, where float32 would lose a unit', () => {
    const one = head(layer(2, [2 ** 24, 1], [0]));
    expect(headLogits(one, [1, 1])).toEqual(Float64Array.of(2 ** 24 + 1));
  });

  it('passes a NaN on to every logit that depends on it', () => {
    const two = head(layer(2, [1, 0, 0, 1], [0, 0]), layer(2, [1, 1, 1, -1], [0, 0]));
    expect(headLogits(two, [NaN, 1])).toEqual(Float64Array.of(NaN, NaN));
  });
});

describe('argmax', () => {
  it.each([
    [[1, 3, 2], 1],
    [[3, 3, 3], 0],
    [[1, 3, 3], 1],
    [[-0, 0], 0],
    [[NaN, 1, NaN, 2, NaN], 3],
    [[NaN, -Infinity], 1],
    [[-Infinity, NaN], 0],
    [[NaN, NaN], 0],
    [[1, Infinity, Infinity], 1],
    [[-5], 0],
  ])('of %j is %d: the lowest among equals, and no NaN beside a number', (values, expected) => {
    expect(argmax(values)).toBe(expected);
  });

  it('is the first index of the largest number', () => {
    const values = fc.array(fc.oneof(fc.integer({ min: -2, max: 2 }), fc.double()), { minLength: 1 });
    fc.assert(
      fc.property(values, (list) => {
        const numbers = list.filter((value) => !Number.isNaN(value));
        if (numbers.length > 0) expect(argmax(list)).toBe(list.findIndex((value) => value === Math.max(...numbers)));
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
