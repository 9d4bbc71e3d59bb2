import { describe, expect, it } from 'vitest';
import { normalsOfWords } from '../../../src/main/math/kernel/kernel.ts';

/** Of words that count: the low ones. */
const UNIFORMS = 2 ** 23;
/** Blocks of four counters in a call. */
const BLOCKS = 2 ** 12;

/** TensorFlow's BoxMullerFloat by Math's functions, each rounded to float32. */
const radiusOf = (word: number): number => {
  const uniform = Math.max((word % UNIFORMS) / UNIFORMS, Math.fround(1e-7));
  return Math.fround(Math.sqrt(-2 * Math.fround(Math.log(uniform))));
};
const angleOf = (word: number): number => Math.fround(2 * Math.PI * ((word % UNIFORMS) / UNIFORMS));

/** Of a word whose radius is 1, so that a normal is a sine or a cosine. */
const wordOfOne = (): number => {
  // log u = −½
  const near = Math.round(UNIFORMS * Math.exp(-0.5));
  const word = [near - 1, near, near + 1].find((candidate) => radiusOf(candidate) === 1);
  if (word === undefined) throw new Error('no word has radius 1');
  return word;
};

describe('normals of words', () => {
  it('have every logarithm, sine and cosine that there is as Math has them, to the last bit of float32', () => {
    const one = wordOfOne();
    const words = new Uint32Array(BLOCKS * 16);
    const differing: number[] = [];
    for (let first = 0; first < UNIFORMS; first += 4 * BLOCKS) {
      for (let i = 0; i < 4 * BLOCKS; i++) {
        const at = 16 * (i >> 2) + (i & 3);
        // An angle of 0 has cosine 1. The upper bits of a word must not count.
        words[at] = first + i;
        words[at + 4] = 0xff800000;
        words[at + 8] = one + UNIFORMS;
        words[at + 12] = UNIFORMS + first + i;
      }
      const normals = normalsOfWords(words);
      for (let i = 0; i < 4 * BLOCKS; i++) {
        const word = first + i;
        const angle = angleOf(word);
        const expected = [0, radiusOf(word), Math.fround(Math.sin(angle)), Math.fround(Math.cos(angle))];
        if (!expected.every((value, k) => Object.is(normals[4 * i + k], value))) differing.push(word);
      }
    }
    expect(differing).toEqual([]);
  });
});
