import type { Interval } from '../groupSort.ts';
import type { DenseLayerWeights } from '../head.ts';
import { BINARY } from './binary.ts';

/** Sums over rows of a matrix, all [rows]. */
export interface IntervalSums {
  /** matrix·centre */
  readonly middles: Float64Array;
  /** Of the absolute values of the terms of each middle. */
  readonly absolutes: Float64Array;
  /** |matrix|·halfWidths */
  readonly reaches: Float64Array;
}

/** A layer's weights by the centre and the half-widths of a box, both [inputs]. */
export function intervalSums(layer: DenseLayerWeights, centre: Float64Array, halfWidths: Float64Array): IntervalSums {
  const { outputs, inputs } = layer;
  const { exports, matrix, place, read } = call(layer, { reads: 2 * inputs, writes: 3 * outputs });
  const box = [place(centre), place(halfWidths)] as const;
  const [middles, absolutes, reaches] = [place(outputs), place(outputs), place(outputs)];
  exports.intervalSums(matrix, outputs, inputs, ...box, middles, absolutes, reaches);
  return { middles: read(middles, outputs), absolutes: read(absolutes, outputs), reaches: read(reaches, outputs) };
}

/** What is known of a layer and of the box before it. */
export interface LayerOnBox {
  readonly layer: DenseLayerWeights;
  /** What each output may come to at most, [outputs]. */
  readonly reach: Float64Array;
  /** [inputs] each */
  readonly before: Interval;
}

/** Sums over rows, all [count] but the coefficients. */
export interface RowsThroughLayer {
  /** rows·weights, [count, inputs] */
  readonly coefficients: Float64Array;
  /** rows·bias */
  readonly products: Float64Array;
  /** |rows|·reach */
  readonly absolutes: Float64Array;
  /** Least value of coefficients·z over the box before the layer, and the sum of its terms' absolute values. */
  readonly leastTerms: Float64Array;
  readonly leastAbsolutes: Float64Array;
}

/** Rows in a layer's outputs, [count, outputs], as rows in its inputs; written over the given ones where there is room. */
export function rowsThroughLayer(rows: Float64Array, count: number, known: LayerOnBox): RowsThroughLayer {
  const { layer, reach, before } = known;
  const { outputs, inputs, bias } = layer;
  const sizes = { reads: rows.length + 2 * outputs + 2 * inputs, writes: count * (inputs + 4) };
  const { exports, panels, place, read, readInto } = call(layer, sizes);
  const [from, factors, reaches] = [place(rows), place(bias), place(reach)];
  const box = [place(before.lower), place(before.upper)] as const;
  const to = place(count * inputs);
  const [products, absolutes, least, leastAbsolutes] = [place(count), place(count), place(count), place(count)];
  exports.weightedSums(from, count, outputs, factors, reaches, products, absolutes);
  exports.product(from, count, outputs, panels, inputs, to);
  exports.leastOverBox(to, count, inputs, ...box, least, leastAbsolutes);
  return {
    coefficients: inputs <= outputs ? readInto(rows.subarray(0, count * inputs), to) : read(to, count * inputs),
    products: read(products, count),
    absolutes: read(absolutes, count),
    leastTerms: read(least, count),
    leastAbsolutes: read(leastAbsolutes, count),
  };
}

/** As rowsThroughLayer has it, for rows of a 1 and a −1 each: the differences of pairs of outputs. */
export function differencesThroughLayer(
  pairs: readonly (readonly [plus: number, minus: number])[],
  { layer, reach, before }: LayerOnBox,
): RowsThroughLayer {
  const { inputs, bias } = layer;
  const count = pairs.length;
  const { exports, matrix, place, read } = call(layer, {
    reads: count + 2 * inputs,
    writes: count * (inputs + 2),
  });
  const rows = place(count);
  const numbers = new Int32Array(exports.memory.buffer, rows, 2 * count);
  pairs.forEach((pair, i) => numbers.set(pair, 2 * i));
  const box = [place(before.lower), place(before.upper)] as const;
  const to = place(count * inputs);
  const [least, leastAbsolutes] = [place(count), place(count)];
  exports.differences(matrix, inputs, rows, count, to);
  exports.leastOverBox(to, count, inputs, ...box, least, leastAbsolutes);
  return {
    coefficients: read(to, count * inputs),
    products: Float64Array.from(pairs, ([plus, minus]) => bias[plus] - bias[minus]),
    absolutes: Float64Array.from(pairs, ([plus, minus]) => reach[plus] + reach[minus]),
    leastTerms: read(least, count),
    leastAbsolutes: read(leastAbsolutes, count),
  };
}

/** A layer's weights by a vector, [outputs]. */
export function timesVector(layer: DenseLayerWeights, vector: Float64Array): Float64Array {
  const { outputs, inputs } = layer;
  const { exports, matrix, place, read } = call(layer, { reads: inputs, writes: outputs });
  const [from, to] = [place(vector), place(outputs)];
  exports.timesVector(matrix, outputs, inputs, from, to);
  return read(to, outputs);
}

/** Sorts ascending in place, as typed arrays do, −0 before 0 and NaN last: 500 values in half of their time, 100,000 in an eighth. */
export function sortFloats(values: Float32Array): void {
  const count = values.length;
  const doubles = Math.ceil(count / 2);
  const { exports, place } = call(null, { reads: doubles, writes: doubles + SORT_COUNTS / 2 });
  const at = place(doubles);
  const inMemory = new Float32Array(exports.memory.buffer, at, count);
  inMemory.set(values);
  exports.sortFloats(at, count, place(doubles), place(SORT_COUNTS / 2));
  values.set(inMemory);
}

/** Words that sortFloats counts in: one for each of 256 values of four digits. */
const SORT_COUNTS = 1024;

/** What assembly.ts exports: addresses, in bytes, and numbers of values. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly pack: (...numbers: number[]) => void;
  readonly product: (...numbers: number[]) => void;
  readonly weightedSums: (...numbers: number[]) => void;
  readonly leastOverBox: (...numbers: number[]) => void;
  readonly intervalSums: (...numbers: number[]) => void;
  readonly timesVector: (...numbers: number[]) => void;
  readonly differences: (...numbers: number[]) => void;
  readonly sortFloats: (...numbers: number[]) => void;
}

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};
declare const atob: (base64: string) => string;

/** Where a layer's weights lie in the kernel's memory, row by row and in panels. */
interface Placed {
  readonly matrix: number;
  readonly panels: number;
}

const DOUBLE = 8;
const PAGE = 65536;
const PANEL = 4;
/** Weights stay in the memory from call to call, at its bottom, until they take this many doubles. */
const MOST_WEIGHTS = 2 ** 22;

let loaded: { readonly exports: Exports; doubles: Float64Array } | null = null;
let placed = new WeakMap<Float32Array, Placed>();
/** Doubles that weights take. */
let taken = 0;

interface Call extends Placed {
  readonly exports: Exports;
  /** Room for a number of values, or a copy of those given; its address. */
  readonly place: (values: number | Float64Array | Float32Array) => number;
  /** A copy. */
  readonly read: (address: number, length: number) => Float64Array;
  /** Fills an array and gives it back. */
  readonly readInto: (values: Float64Array, address: number) => Float64Array;
}

/** The memory holds one call's numbers at a time, above the weights. */
function call(
  layer: DenseLayerWeights | null,
  { reads, writes }: { readonly reads: number; readonly writes: number },
): Call {
  loaded ??= load();
  const kernel = loaded;
  const { matrix, panels } = layer === null ? { matrix: 0, panels: 0 } : placeWeights(layer);
  let top = taken;
  makeRoom(top + reads + writes);
  return {
    exports: kernel.exports,
    matrix,
    panels,
    place(values) {
      const at = top;
      if (typeof values === 'number') {
        top += values;
      } else {
        kernel.doubles.set(values, at);
        top += values.length;
      }
      return at * DOUBLE;
    },
    read: (address, length) => kernel.doubles.slice(address / DOUBLE, address / DOUBLE + length),
    readInto: (values, address) => {
      values.set(kernel.doubles.subarray(address / DOUBLE, address / DOUBLE + values.length));
      return values;
    },
  };
}

function load(): NonNullable<typeof loaded> {
  const bytes = Uint8Array.from(atob(BINARY), (character) => character.charCodeAt(0));
  const exports = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports;
  return { exports, doubles: new Float64Array(exports.memory.buffer) };
}

function makeRoom(doubles: number): void {
  const kernel = loaded!;
  const missing = doubles - kernel.doubles.length;
  if (missing <= 0) return;
  kernel.exports.memory.grow(Math.ceil((missing * DOUBLE) / PAGE));
  kernel.doubles = new Float64Array(kernel.exports.memory.buffer);
}

function placeWeights({ weight, outputs, inputs }: DenseLayerWeights): Placed {
  const known = placed.get(weight);
  if (known !== undefined) return known;
  const inPanels = outputs * PANEL * Math.ceil(inputs / PANEL);
  const size = weight.length + inPanels;
  if (taken > 0 && taken + size > MOST_WEIGHTS) {
    placed = new WeakMap();
    taken = 0;
  }
  makeRoom(taken + size);
  const { doubles, exports } = loaded!;
  const place = { matrix: taken * DOUBLE, panels: (taken + weight.length) * DOUBLE };
  doubles.set(weight, taken);
  exports.pack(place.matrix, outputs, inputs, place.panels);
  taken += size;
  placed.set(weight, place);
  return place;
}
