import { describe, expect, it } from 'vitest';
import { compileKernel } from '../../../scripts/build-kernel.ts';
import type { DenseLayerWeights } from '../../../src/main/math/head.ts';
import { BINARY } from '../../../src/main/math/kernel/binary.ts';
import {
  differencesThroughLayer,
  intervalSums,
  rowsThroughLayer,
  sortFloats,
} from '../../../src/main/math/kernel/kernel.ts';
import { sumError } from '../../../src/main/math/rounding.ts';
import { normals } from '../heads.ts';

const doubles = (count: number, ...name: (string | number)[]): Float64Array =>
  Float64Array.from(normals(count, ...name));

function layerOf(outputs: number, inputs: number, name: string | number): DenseLayerWeights {
  const weight = normals(outputs * inputs, 'kernel-weight', name, outputs, inputs);
  return { inputs, outputs, weight, bias: normals(outputs, 'kernel-bias', name, outputs) };
}

function boxOf(width: number): { lower: Float64Array; upper: Float64Array } {
  const lower = doubles(width, 'kernel-lower', width);
  return { lower, upper: lower.map((bound, i) => bound + (i % 3) / 2) };
}

interface Sum {
  readonly sum: number;
  readonly absolute: number;
}

const sumOf = (terms: Iterable<number>): Sum => {
  let [sum, absolute] = [0, 0];
  for (const term of terms) [sum, absolute] = [sum + term, absolute + Math.abs(term)];
  return { sum, absolute };
};

/** Both sums are within this of the true one, whatever their order. */
function expectSame(got: number, { sum, absolute }: Sum, terms: number): void {
  expect(Math.abs(got - sum)).toBeLessThanOrEqual(2 * sumError(terms, absolute));
}

const unitDifference = (width: number, plus: number, minus: number): number[] =>
  Array.from({ length: width }, (_, i) => Number(i === plus) - Number(i === minus));

/** Of every remainder by the widths of vectors, panels and blocks of rows. */
const SIZES = [
  [1, 1, 1],
  [2, 3, 5],
  [3, 4, 16],
  [4, 10, 17],
  [5, 7, 18],
  [7, 8, 19],
  [8, 9, 35],
  [9, 128, 128],
  [130, 33, 66],
] as const;

describe('the kernel', () => {
  it('is what its source compiles to', () => {
    expect(BINARY).toBe(compileKernel().toString('base64'));
  });

  it.each(SIZES)('takes %i rows through %i outputs to %i inputs', (count, outputs, inputs) => {
    const layer = layerOf(outputs, inputs, 'rows');
    const rows = doubles(count * outputs, 'kernel-rows', count, outputs);
    const reach = doubles(outputs, 'kernel-reach', outputs).map(Math.abs);
    const before = boxOf(inputs);
    const got = rowsThroughLayer(rows.slice(), count, { layer, reach, before });
    expect(got.coefficients).toHaveLength(count * inputs);
    for (let row = 0; row < count; row++) {
      const of = rows.subarray(row * outputs, (row + 1) * outputs);
      for (let i = 0; i < inputs; i++) {
        const exact = sumOf(of.map((factor, k) => factor * layer.weight[k * inputs + i]));
        expectSame(got.coefficients[row * inputs + i], exact, outputs);
      }
      expectSame(got.products[row], sumOf(of.map((factor, k) => factor * layer.bias[k])), outputs);
      expectSame(got.absolutes[row], sumOf(of.map((factor, k) => Math.abs(factor) * reach[k])), outputs);
      const terms = before.lower.map((lower, i) => {
        const factor = got.coefficients[row * inputs + i];
        return factor * (factor < 0 ? before.upper[i] : lower);
      });
      expectSame(got.leastTerms[row], sumOf(terms), inputs);
      expectSame(got.leastAbsolutes[row], sumOf(terms.map(Math.abs)), inputs);
    }
  });

  it.each(SIZES.map(([, ...sizes]) => sizes))('takes differences of %i outputs to %i inputs', (outputs, inputs) => {
    const layer = layerOf(outputs, inputs, 'differences');
    const reach = doubles(outputs, 'kernel-reach', outputs).map(Math.abs);
    const before = boxOf(inputs);
    const pairs = Array.from({ length: outputs }, (_, i) => [i, (7 * i + 1) % outputs] as const);
    const rows = Float64Array.from(pairs.flatMap(([plus, minus]) => unitDifference(outputs, plus, minus)));
    const known = { layer, reach, before };
    const [got, expected] = [
      differencesThroughLayer(pairs, known),
      rowsThroughLayer(rows.slice(), pairs.length, known),
    ];
    // Products with 0, 1 and −1 are exact, and so is their sum.
    for (const of of ['coefficients', 'products', 'leastTerms', 'leastAbsolutes'] as const) {
      expect(got[of].map((value) => value + 0)).toEqual(expected[of].map((value) => value + 0));
    }
    pairs.forEach(([plus, minus], row) => expect(got.absolutes[row]).toBe(reach[plus] + reach[minus]));
  });

  it.each(SIZES.map(([, ...sizes]) => sizes))('sums over boxes through %i outputs of %i inputs', (outputs, inputs) => {
    const layer = layerOf(outputs, inputs, 'intervals');
    const { lower: centre } = boxOf(inputs);
    const halfWidths = doubles(inputs, 'kernel-half', inputs).map(Math.abs);
    const got = intervalSums(layer, centre, halfWidths);
    for (let row = 0; row < outputs; row++) {
      const weights = Float64Array.from(layer.weight.subarray(row * inputs, (row + 1) * inputs));
      const terms = weights.map((weight, i) => weight * centre[i]);
      expectSame(got.middles[row], sumOf(terms), inputs);
      expectSame(got.absolutes[row], sumOf(terms.map(Math.abs)), inputs);
      expectSame(got.reaches[row], sumOf(weights.map((weight, i) => Math.abs(weight) * halfWidths[i])), inputs);
    }
  });

  it.each([0, 1, 2, 3, 100, 501, 70_000])(
    'sorts %i values as a typed array does, zeros, infinities and NaN too',
    (count) => {
      const values = normals(count, 'sorted', count);
      const odd = [NaN, -Infinity, 0, -0, Infinity, 1e-45, -1e-45, 3.4e38, values[0]];
      for (let i = 0; i < count; i += 3) values[i] = odd[(i / 3) % odd.length];
      const bits = new Uint32Array(values.buffer);
      // NaN comes with either sign.
      for (let i = 0; i < count; i += 27) bits[i] |= 0x80000000;
      const expected = values.toSorted();
      const sorted = values.slice();
      sortFloats(sorted);
      expect([...sorted].map((value) => Object.is(value, -0))).toEqual(
        [...expected].map((value) => Object.is(value, -0)),
      );
      expect(sorted).toEqual(expected);
    },
  );

  it('sorts a part of an array, and values that differ in few of their digits', () => {
    const values = Float32Array.of(9, 3.5, 3.25, 3.75, 3.25, 1);
    sortFloats(values.subarray(1, 5));
    expect([...values]).toEqual([9, 3.25, 3.25, 3.5, 3.75, 1]);
  });

  it('gives the same when its memory was full of other weights in between, and when it has grown', () => {
    const first = layerOf(40, 50, 'first');
    const box = boxOf(50);
    const rows = doubles(6 * 40, 'kernel-again');
    const reach = new Float64Array(40).fill(1);
    const ask = (): unknown => [
      rowsThroughLayer(rows.slice(), 6, { layer: first, reach, before: box }),
      intervalSums(first, box.lower, box.upper),
    ];
    const before = ask();
    for (let i = 0; i < 6; i++) {
      const wide = {
        inputs: 700,
        outputs: 700,
        weight: new Float32Array(700 * 700).fill(i),
        bias: new Float32Array(700),
      };
      expect(intervalSums(wide, new Float64Array(700).fill(1), new Float64Array(700)).middles[699]).toBe(700 * i);
      expect(ask()).toEqual(before);
    }
  });

  it('lets no infinity and no NaN pass for a number', () => {
    const layer = { ...layerOf(4, 6, 'odd'), weight: new Float32Array(24).fill(1) };
    const rows = new Float64Array(8).fill(1);
    for (const odd of [NaN, Infinity]) {
      const lower = Float64Array.of(odd, 0, 0, 0, 0, 0);
      const known = { layer, reach: new Float64Array(4), before: { lower, upper: lower } };
      expect([...rowsThroughLayer(rows.slice(), 2, known).leastTerms]).toEqual([odd, odd]);
      expect([...intervalSums(layer, lower, new Float64Array(6)).middles]).toEqual([odd, odd, odd, odd]);
    }
  });
});
