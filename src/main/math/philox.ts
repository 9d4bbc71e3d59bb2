/**
 * Counter-based randomness (METHOD.md §4): Philox-4x32-10 of Salmon et al. 2011 ("Parallel random numbers: as easy as
 * 1, 2, 3"), in the word order of Random123 and of TensorFlow's PhiloxRandom. A key and a counter give the same bits on
 * every machine, in any order and batch size.
 */

import { fillNormals } from './kernel/kernel.ts';

/** A 64-bit Philox key as two unsigned 32-bit words, low first. */
export type PhiloxKey = readonly [number, number];

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;
const TWO_32 = 2 ** 32;

/** High 32 bits of the 64-bit product of two unsigned 32-bit words, signed. Partial products stay below 2^49: exact. */
function multiplyHigh(a: number, b: number): number {
  const carry = Math.floor(((a & 0xffff) * b) / 0x10000);
  return Math.floor(((a >>> 16) * b + carry) / 0x10000) | 0;
}

/** Ten rounds in place: `words` [4] holds the counter before and the random bits after. */
function philoxInPlace(words: Uint32Array, key0: number, key1: number): void {
  let c0 = words[0];
  let c1 = words[1];
  let c2 = words[2];
  let c3 = words[3];
  for (let round = 0; round < ROUNDS; round++) {
    const next0 = (multiplyHigh(MULTIPLIER_1, c2) ^ c1 ^ key0) >>> 0;
    const next2 = (multiplyHigh(MULTIPLIER_0, c0) ^ c3 ^ key1) >>> 0;
    c1 = Math.imul(MULTIPLIER_1, c2);
    c3 = Math.imul(MULTIPLIER_0, c0);
    c0 = next0;
    c2 = next2;
    key0 = (key0 + WEYL_0) | 0;
    key1 = (key1 + WEYL_1) | 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

/**
 * The 128 random bits at a counter, [4], least significant word first.
 * @param counter [4]
 * @param key [2]
 */
export function philox4x32(counter: Uint32Array, key: Uint32Array): Uint32Array {
  if (counter.length !== 4 || key.length !== 2) {
    throw new RangeError(
      `Philox: got a counter of ${counter.length} and a key of ${key.length} words, expected 4 and 2; pass 32-bit words`,
    );
  }
  const words = Uint32Array.from(counter);
  philoxInPlace(words, key[0], key[1]);
  return words;
}

/**
 * The four words of a counter of 128 bits, into `words` [4]: `counterLow` its low 64, `counterHigh` its third word.
 * @throws RangeError if the low part is not a safe integer ≥ 0
 */
export function philoxWords(
  words: Uint32Array,
  {
    key,
    counterLow,
    counterHigh,
  }: { readonly key: PhiloxKey; readonly counterLow: number; readonly counterHigh: number },
): void {
  requireCount('random words', 'counter', counterLow);
  words[0] = counterLow % TWO_32;
  words[1] = Math.floor(counterLow / TWO_32);
  words[2] = counterHigh;
  words[3] = 0;
  philoxInPlace(words, key[0], key[1]);
}

/**
 * Fills `out` with standard normals in the layout of TensorFlow's StatelessRandomNormalV2 (Philox, counter
 * [counterLow, 0]): each counter step gives four, by Box–Muller of two pairs of words, sine before cosine. A uniform is a word's low
 * 23 bits over 2^23, the first of a pair at least 1e-7, which keeps its logarithm finite. Every operation is rounded to float32
 * as there; what is left between the two is the last digit of a float32 logarithm, sine or cosine.
 * @param counterLow low 64 bits of the first counter, a safe integer ≥ 0
 * @throws RangeError if the counter is not a safe integer ≥ 0
 */
export function fillStandardNormal(out: Float32Array, key: PhiloxKey, counterLow: number): void {
  requireCount('standard normals', 'first counter', counterLow);
  fillNormals(out, key, counterLow);
}

/** Endless uniform 32-bit words of a key, counter by counter. */
function wordStream(key: PhiloxKey): () => number {
  const words = new Uint32Array(4);
  let counter = 0;
  let used = 4;
  return () => {
    if (used === 4) {
      words.fill(0);
      words[0] = counter % TWO_32;
      words[1] = Math.floor(counter / TWO_32);
      philoxInPlace(words, key[0], key[1]);
      counter += 1;
      used = 0;
    }
    return words[used++];
  };
}

/**
 * A uniform random permutation of 0 … count − 1 (Fisher–Yates), [count]. Words past the largest multiple of the
 * range are drawn again, so no index is favoured.
 * @throws RangeError if count is not an integer in [0, 2^31)
 */
export function shuffledIndices(count: number, key: PhiloxKey): Int32Array {
  requireCount('shuffle', 'count', count);
  if (count >= 2 ** 31) {
    throw new RangeError(`shuffle: got ${count} indices, expected fewer than 2^31; shuffle in parts`);
  }
  const nextWord = wordStream(key);
  const indices = Int32Array.from({ length: count }, (_, i) => i);
  for (let last = count - 1; last > 0; last--) {
    const range = last + 1;
    const limit = TWO_32 - (TWO_32 % range);
    let word = nextWord();
    while (word >= limit) word = nextWord();
    const chosen = word % range;
    const kept = indices[last];
    indices[last] = indices[chosen]!;
    indices[chosen] = kept;
  }
  return indices;
}

const LABEL_NUMBER = 1;
const LABEL_STRING = 2;

/** A label as 32-bit words; kind and length come first, so no two lists of labels give the same words. */
function labelWords(label: string | number): number[] {
  if (typeof label === 'number') {
    requireCount('key derivation', 'numeric label', label);
    return [LABEL_NUMBER, label % TWO_32, Math.floor(label / TWO_32)];
  }
  return [LABEL_STRING, label.length, ...Array.from({ length: label.length }, (_, i) => label.charCodeAt(i))];
}

/**
 * The key of a named child of a seed: Philox as the compression function of a keyed hash, two words of input a
 * step. Keys of different labels are as good as independent, so streams never overlap but by a 64-bit accident.
 * @param seed a safe integer ≥ 0
 * @param labels strings, or safe integers ≥ 0; their order and their boundaries count
 * @throws RangeError if the seed or a numeric label is not a safe integer ≥ 0
 */
export function deriveKey(seed: number, ...labels: (string | number)[]): [number, number] {
  requireCount('key derivation', 'seed', seed);
  const input = labels.flatMap(labelWords);
  const words = Uint32Array.of(0, 0, labels.length, input.length);
  philoxInPlace(words, seed % TWO_32, Math.floor(seed / TWO_32));
  for (let i = 0; i < input.length; i += 2) {
    const [key0, key1] = [words[0], words[1]];
    words[0] = input[i]!;
    words[1] = input[i + 1] ?? 0;
    philoxInPlace(words, key0, key1);
  }
  return [words[0], words[1]];
}

function requireCount(operation: string, quantity: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(
      `${operation}: got ${quantity} ${value}, expected a safe integer of at least 0; pass a count, an index or a seed`,
    );
  }
}
