import type { DenseHead, DenseLayerWeights } from '../head.ts';
import type { RepresentationBox } from '../representationBox.ts';
import { kernel, readDoubles, withRoom, writeDoubles } from './memory.ts';
import { placeHead, placeLayer } from './placing.ts';

/** A layer's weights by a vector [inputs]: [outputs]. */
export function timesVector(layer: DenseLayerWeights, vector: Float64Array): Float64Array {
  const { outputs, inputs } = layer;
  const { weight } = placeLayer(layer);
  return withRoom(({ doubles }) => {
    const [from, to] = [doubles(vector), doubles(outputs)];
    kernel().timesVector(weight, outputs, inputs, from, to);
    return readDoubles(to, outputs);
  });
}

/** A vector [outputs] by a layer's weights: [inputs]. */
export function vectorTimes(vector: Float64Array, layer: DenseLayerWeights): Float64Array {
  const { outputs, inputs } = layer;
  const { panels } = placeLayer(layer);
  return withRoom(({ doubles }) => {
    const [from, to] = [doubles(vector), doubles(inputs)];
    kernel().product(from, 1, outputs, panels, inputs, to);
    return readDoubles(to, inputs);
  });
}

/** Bounds of margins by interval propagation, [K], +Infinity at c. */
export function intervalMargins(head: DenseHead, box: RepresentationBox, c: number): Float64Array {
  const at = placeOnBox(head, box);
  return withRoom(({ doubles }) => {
    const classes = classesOf(head);
    const margins = doubles(classes);
    kernel().intervalMargins(at, c, margins);
    return readDoubles(margins, classes);
  });
}

/** Of which margins better lines are looked for, where those of least area leave them below 0: of all, or, worst first, until one stays there. */
export type Improved = 'all' | 'until-one-fails';

interface MarginsAsked {
  readonly box: RepresentationBox;
  readonly c: number;
  readonly improved: Improved;
}

/** Bounds of margins by linear bounds and by interval propagation, [K], +Infinity at c. */
export function linearMargins(head: DenseHead, asked: MarginsAsked): Float64Array {
  return boundLinearly(head, asked, { slopes: 0 }).margins;
}

export interface LinesBelowMargins {
  /** As linearMargins has them. */
  readonly margins: Float64Array;
  readonly arePositive: boolean;
  /** Of the line of least area below each margin but that of c, [K − 1, D]. */
  readonly slopes: Float64Array;
}

export function linesBelowMargins(head: DenseHead, asked: MarginsAsked): LinesBelowMargins {
  return boundLinearly(head, asked, { slopes: (classesOf(head) - 1) * asked.box.lower.length });
}

/** @property slopes how many there is room for: all, or none where nobody asks */
function boundLinearly(
  head: DenseHead,
  { box, c, improved }: MarginsAsked,
  { slopes: size }: { readonly slopes: number },
): LinesBelowMargins {
  const at = placeOnBox(head, box);
  return withRoom(({ doubles }) => {
    const classes = classesOf(head);
    const margins = doubles(classes);
    const slopes = size === 0 ? 0 : doubles(size);
    const arePositive = kernel().linearMargins(at, c, improved === 'all' ? 1 : 0, margins, slopes) !== 0;
    return { margins: readDoubles(margins, classes), arePositive, slopes: readDoubles(slopes, size) };
  });
}

const classesOf = ({ layers }: DenseHead): number => layers.at(-1)!.outputs;

function placeOnBox(head: DenseHead, { lower, upper }: RepresentationBox): number {
  const at = placeHead(head);
  writeDoubles(kernel().lowerOf(at), lower);
  writeDoubles(kernel().upperOf(at), upper);
  return at;
}

/** Sorts ascending in place, as typed arrays do, −0 before 0 and NaN last: 500 values in half of their time, 100,000 in an eighth. */
export function sortFloats(values: Float32Array): void {
  const count = values.length;
  withRoom(({ doubles }) => {
    const size = Math.ceil(count / 2);
    const [at, spare, counts] = [doubles(size), doubles(size), doubles(SORT_COUNTS / 2)];
    const inMemory = new Float32Array(kernel().memory.buffer, at, count);
    inMemory.set(values);
    kernel().sortFloats(at, count, spare, counts);
    values.set(inMemory);
  });
}

/** Words that sortFloats counts in: one for each of 256 values of four digits. */
const SORT_COUNTS = 1024;

/**
 * Fills an array with the standard normals of consecutive Philox counters, four each (philox.ts has the definition). Their bits do not depend on an engine's Math.
 * @param counter of the first, a safe integer ≥ 0
 */
export function fillNormals(out: Float32Array, key: readonly [number, number], counter: number): void {
  withNormals(({ words, drawn, draw }) => {
    for (let start = 0; start < out.length; start += drawn.length, counter += drawn.length / 4) {
      const count = Math.min(drawn.length, out.length - start);
      kernel().philox(words, 2 * Math.ceil(count / (2 * BLOCK)), counter, counter / 2 ** 32, ...key);
      draw(Math.ceil(count / BLOCK));
      out.set(count === drawn.length ? drawn : drawn.subarray(0, count), start);
    }
  });
}

/**
 * The normals of random words as they come of fillNormals's counters.
 * @param words [n, 4, 4]: of four counters the first words, then the second, third and fourth ones
 * @returns [n, 4, 4]: of four counters the first one's normals, then those of the others
 */
export function normalsOfWords(words: Uint32Array): Float32Array {
  const out = new Float32Array(words.length);
  withNormals(({ words: at, drawn, draw }) => {
    const given = new Uint32Array(kernel().memory.buffer, at, drawn.length);
    for (let start = 0; start < words.length; start += given.length) {
      const part = words.subarray(start, start + given.length);
      given.set(part);
      draw(part.length / BLOCK);
      out.set(drawn.subarray(0, part.length), start);
    }
  });
  return out;
}

/** Words and normals of four counters. */
const BLOCK = 16;
/** Blocks that are made at a time, an even number: all of their numbers stay in the processor's nearest cache. */
const BLOCKS = 32;

interface Normals {
  /** Where the words of BLOCKS blocks belong. */
  readonly words: number;
  /** The normals of the words, [BLOCKS, 4, 4]. */
  readonly drawn: Float32Array;
  /** Makes those of so many blocks. */
  readonly draw: (blocks: number) => void;
}

function withNormals(body: (normals: Normals) => void): void {
  withRoom(({ doubles }) => {
    const size = (BLOCKS * BLOCK) / 2;
    const [words, normals, spare] = [doubles(size), doubles(size), doubles(3 * size)];
    const drawn = new Float32Array(kernel().memory.buffer, normals, 2 * size);
    body({ words, drawn, draw: (blocks) => kernel().boxMuller(words, blocks, normals, spare) });
  });
}
