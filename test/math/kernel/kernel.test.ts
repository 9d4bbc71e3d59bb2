import { describe, expect, it } from 'vitest';
import { compileKernel } from '../../../scripts/build-kernel.ts';
import type { DenseHead, DenseLayerWeights } from '../../../src/main/math/head.ts';
import { BINARY } from '../../../src/main/math/kernel/binary.ts';
import { intervalMargins, sortFloats, timesVector, vectorTimes } from '../../../src/main/math/kernel/kernel.ts';
import { kernel, readDoubles, withRoom } from '../../../src/main/math/kernel/memory.ts';
import { placeLayer } from '../../../src/main/math/kernel/placing.ts';
import { sumError } from '../../../src/main/math/rounding.ts';
import { normals } from '../heads.ts';

const doubles = (count: number, ...name: (string | number)[]): Float64Array =>
  Float64Array.from(normals(count, ...name));

function layerOf(outputs: number, inputs: number, name: string | number): DenseLayerWeights {
  const weight = normals(outputs * inputs, 'kernel-weight', name, outputs, inputs);
  return { inputs, outputs, weight, bias: normals(outputs, 'kernel-bias', name, outputs) };
}

const headOf = (layers: DenseLayerWeights[]): DenseHead => ({ constraint: 'none', bound: 1, groupSize: 2, layers });

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

  it.each(SIZES)('multiplies %i rows of %i outputs with a layer of %i inputs', (count, outputs, inputs) => {
    const layer = layerOf(outputs, inputs, 'rows');
    const rows = doubles(count * outputs, 'kernel-rows', count, outputs);
    const { panels } = placeLayer(layer);
    const got = withRoom((room) => {
      const [from, to] = [room.doubles(rows), room.doubles(count * inputs)];
      kernel().product(from, count, outputs, panels, inputs, to);
      return readDoubles(to, count * inputs);
    });
    for (let row = 0; row < count; row++) {
      const of = rows.subarray(row * outputs, (row + 1) * outputs);
      for (let i = 0; i < inputs; i++) {
        const exact = sumOf(of.map((factor, k) => factor * layer.weight[k * inputs + i]));
        expectSame(got[row * inputs + i], exact, outputs);
      }
      // Rows alone and in fours add up in the same order.
      expect(vectorTimes(of, layer)).toEqual(got.subarray(row * inputs, (row + 1) * inputs));
    }
  });

  it.each(SIZES.map(([, ...sizes]) => sizes))(
    'multiplies a layer of %i outputs with a vector of %i',
    (outputs, inputs) => {
      const layer = layerOf(outputs, inputs, 'vector');
      const vector = doubles(inputs, 'kernel-vector', inputs);
      timesVector(layer, vector).forEach((got, row) => {
        const weights = Float64Array.from(layer.weight.subarray(row * inputs, (row + 1) * inputs));
        expectSame(got, sumOf(weights.map((weight, i) => weight * vector[i])), inputs);
      });
    },
  );

  it.each(SIZES)('sums up %i rows of %i values, and their least values over a box', (count, width) => {
    const rows = doubles(count * width, 'kernel-rows', count, width);
    const [factors, reach] = [
      doubles(width, 'kernel-factors', width),
      doubles(width, 'kernel-reach', width).map(Math.abs),
    ];
    const { lower, upper } = boxOf(width);
    const [products, absolutes, least, leastAbsolutes] = withRoom((room) => {
      const [from, of, reaches] = [room.doubles(rows), room.doubles(factors), room.doubles(reach)];
      const box = [room.doubles(lower), room.doubles(upper)];
      const sums = [0, 1, 2, 3].map(() => room.doubles(count));
      kernel().weightedSums(from, count, width, of, reaches, sums[0], sums[1]);
      kernel().leastOverBox(from, count, width, ...box, sums[2], sums[3]);
      return sums.map((at) => readDoubles(at, count));
    });
    for (let row = 0; row < count; row++) {
      const of = rows.subarray(row * width, (row + 1) * width);
      expectSame(products[row], sumOf(of.map((value, i) => value * factors[i])), width);
      expectSame(absolutes[row], sumOf(of.map((value, i) => Math.abs(value) * reach[i])), width);
      const terms = of.map((value, i) => value * (value < 0 ? upper[i] : lower[i]));
      expectSame(least[row], sumOf(terms), width);
      expectSame(leastAbsolutes[row], sumOf(terms.map(Math.abs)), width);
    }
  });

  it.each(SIZES.map(([, ...sizes]) => sizes))('takes differences of %i rows of %i values', (rows, columns) => {
    const matrix = doubles(rows * columns, 'kernel-matrix', rows, columns);
    const pairs = Array.from({ length: rows }, (_, i) => [i, (7 * i + 1) % rows] as const);
    const got = withRoom((room) => {
      const [from, of, to] = [room.doubles(matrix), room.words(pairs.flat()), room.doubles(rows * columns)];
      kernel().differences(from, columns, of, rows, to);
      return readDoubles(to, rows * columns);
    });
    const rowOf = (row: number): Float64Array => matrix.subarray(row * columns, (row + 1) * columns);
    const expected = pairs.flatMap(([plus, minus]) => [...rowOf(plus).map((value, i) => value - rowOf(minus)[i])]);
    expect([...got]).toEqual(expected);
  });

  it.each(SIZES.map(([, ...sizes]) => sizes))('sums over boxes through %i outputs of %i inputs', (outputs, inputs) => {
    const layer = layerOf(outputs, inputs, 'intervals');
    const { lower: centre } = boxOf(inputs);
    const halfWidths = doubles(inputs, 'kernel-half', inputs).map(Math.abs);
    const { weight } = placeLayer(layer);
    const [middles, absolutes, reaches] = withRoom((room) => {
      const box = [room.doubles(centre), room.doubles(halfWidths)];
      const sums = [0, 1, 2].map(() => room.doubles(outputs));
      kernel().intervalSums(weight, outputs, inputs, ...box, ...sums);
      return sums.map((at) => readDoubles(at, outputs));
    });
    for (let row = 0; row < outputs; row++) {
      const weights = Float64Array.from(layer.weight.subarray(row * inputs, (row + 1) * inputs));
      const terms = weights.map((value, i) => value * centre[i]);
      expectSame(middles[row], sumOf(terms), inputs);
      expectSame(absolutes[row], sumOf(terms.map(Math.abs)), inputs);
      expectSame(reaches[row], sumOf(weights.map((value, i) => Math.abs(value) * halfWidths[i])), inputs);
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
    const head = headOf([layerOf(40, 50, 'first'), layerOf(3, 40, 'last')]);
    const box = boxOf(50);
    const ask = (): unknown => [intervalMargins(head, box, 1), timesVector(head.layers[0], box.lower)];
    const before = ask();
    for (let i = 0; i < 6; i++) {
      const weight = new Float32Array(700 * 700).fill(i);
      const wide = { inputs: 700, outputs: 700, weight, bias: new Float32Array(700) };
      expect(timesVector(wide, new Float64Array(700).fill(1))[699]).toBe(700 * i);
      expect(ask()).toEqual(before);
    }
  });

  it('tells heads apart that share weights', () => {
    const layers = [layerOf(8, 6, 'shared'), layerOf(3, 8, 'shared-last')];
    const box = boxOf(6);
    const plain = intervalMargins(headOf(layers), box, 0);
    const bias = layers[1].bias.with(0, layers[1].bias[0] + 8);
    const raised = intervalMargins(headOf([layers[0], { ...layers[1], bias }]), box, 0);
    for (const j of [1, 2]) expect(raised[j]).toBeCloseTo(plain[j] + 8, 6);
    expect(intervalMargins({ ...headOf(layers), groupSize: 8 }, box, 0)).not.toEqual(plain);
  });

  it('gives its room back when a call throws', () => {
    const top = (): number => kernel().reserve(0);
    const before = top();
    expect(() =>
      withRoom(({ doubles: place }) => {
        place(1e5);
        throw new RangeError('of the caller');
      }),
    ).toThrow('of the caller');
    expect(top()).toBe(before);
  });

  it('lets no infinity and no NaN pass for a number', () => {
    const layer = { ...layerOf(4, 6, 'odd'), weight: new Float32Array(24).fill(1) };
    for (const odd of [NaN, Infinity]) {
      const vector = Float64Array.of(odd, 0, 0, 0, 0, 0);
      expect([...timesVector(layer, vector)]).toEqual([odd, odd, odd, odd]);
      const box = { lower: vector, upper: vector };
      const margins = intervalMargins(headOf([layer, layerOf(3, 4, 'odd-last')]), box, 0);
      expect([...margins].slice(1).some((margin) => margin > -Infinity)).toBe(false);
    }
  });
});
