import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  deriveKey,
  fillStandardNormal,
  philox4x32,
  shuffledIndices,
  type PhiloxKey,
} from '../../src/main/math/philox.ts';
import { fixture } from './fixture.ts';

/** By a second implementation, in Python's integers. */
const STREAMS = fixture('philox') as {
  readonly seed: number;
  readonly labels: readonly (string | number)[];
  readonly key: PhiloxKey;
  readonly shuffledTen: readonly number[];
}[];

const hex = (words: string): Uint32Array => Uint32Array.from(words.split(' '), (word) => parseInt(word, 16));

describe('Philox', () => {
  // Random123, tests/kat_vectors, lines "philox4x32 10": counter, key, bits.
  it.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('has the bits of Random123 at counter %s, key %s', (counter, key, bits) => {
    expect(philox4x32(hex(counter), hex(key))).toEqual(hex(bits));
  });

  it('leaves counter and key as they were', () => {
    const [counter, key] = [hex('1 2 3 4'), hex('5 6')];
    philox4x32(counter, key);
    expect([counter, key]).toEqual([hex('1 2 3 4'), hex('5 6')]);
  });
});

const KEY: PhiloxKey = deriveKey(7, 'normals');
const COUNT = 400_000;
/** Counters of one low word. */
const TWO_32 = 2 ** 32;

/** As TensorFlow's PhiloxRandom and BoxMullerFloat define them, word by word. */
function normalsByMath(count: number, key: PhiloxKey, counterLow: number): Float32Array {
  const normals: number[] = [];
  for (let counter = counterLow; normals.length < count; counter++) {
    const words = philox4x32(Uint32Array.of(counter, Math.floor(counter / TWO_32), 0, 0), Uint32Array.from(key));
    const uniforms = Array.from(words, (word) => (word % 2 ** 23) / 2 ** 23);
    for (const i of [0, 2]) {
      const radius = Math.fround(Math.sqrt(-2 * Math.fround(Math.log(Math.max(uniforms[i], Math.fround(1e-7))))));
      const angle = Math.fround(2 * Math.PI * uniforms[i + 1]);
      normals.push(radius * Math.fround(Math.sin(angle)), radius * Math.fround(Math.cos(angle)));
    }
  }
  return Float32Array.from(normals.slice(0, count));
}

describe('standard normals', () => {
  /** [COUNT], shared by the tests of this block. */
  const whole = new Float32Array(COUNT);
  fillStandardNormal(whole, KEY, 0);
  const mean = (of: (z: number) => number): number => whole.reduce((sum, z) => sum + of(z), 0) / COUNT;

  it('is Box–Muller of the bits, sine before cosine', () => {
    // Low 23 bits of each word of counter 0, key 0, over 2^23.
    const uniforms = Array.from(hex('6627e8d5 e169c58d bc57ac4c 9b00dbd8'), (word) => (word % 2 ** 23) / 2 ** 23);
    const out = new Float32Array(4);
    fillStandardNormal(out, [0, 0], 0);
    for (const i of [0, 2]) {
      const radius = Math.sqrt(-2 * Math.log(uniforms[i]));
      const angle = 2 * Math.PI * uniforms[i + 1];
      // Rounding an angle of up to 2π to float32 moves it by up to 2^-22; the four roundings after it take 2^-24 each.
      const tolerance = radius * (2 ** -22 + 4 * 2 ** -24);
      expect(Math.abs(out[i] - radius * Math.sin(angle))).toBeLessThan(tolerance);
      expect(Math.abs(out[i + 1] - radius * Math.cos(angle))).toBeLessThan(tolerance);
    }
  });

  it('has the bits of Box–Muller by Math, at any counter and length', () => {
    for (const counter of [0, 1, 12_345, TWO_32 - 3, TWO_32 - 1, TWO_32, 3 * TWO_32 - 70, 2 ** 53 - 600]) {
      for (const length of [0, 1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 63, 511, 512, 513, 784, 2050]) {
        const out = new Float32Array(length + 2).fill(9);
        fillStandardNormal(out.subarray(1, length + 1), KEY, counter);
        expect(out).toEqual(Float32Array.of(9, ...normalsByMath(length, KEY, counter), 9));
      }
    }
  });

  it('in parts is the whole, bit for bit, wherever a part starts and ends', () => {
    for (const [from, to] of [
      [0, 1],
      [0, 7],
      [4, 10],
      [400, 1000],
      [399_996, 400_000],
    ]) {
      const part = new Float32Array(to - from);
      fillStandardNormal(part, KEY, from / 4);
      expect(part).toEqual(whole.slice(from, to));
    }
  });

  it('goes on where the low word of the counter ends', () => {
    const across = new Float32Array(8);
    fillStandardNormal(across, KEY, TWO_32 - 1);
    const [before, after] = [new Float32Array(4), new Float32Array(4)];
    fillStandardNormal(before, KEY, TWO_32 - 1);
    fillStandardNormal(after, KEY, TWO_32);
    expect(across).toEqual(Float32Array.of(...before, ...after));
    // The high word counts: this is not counter 0 again.
    expect(after).not.toEqual(whole.slice(0, 4));
  });

  it('has the first four moments, and neighbours without correlation, within five standard errors', () => {
    const within = (value: number, expected: number, variance: number) =>
      expect(Math.abs(value - expected)).toBeLessThan(5 * Math.sqrt(variance / COUNT));
    within(
      mean((z) => z),
      0,
      1,
    );
    within(
      mean((z) => z * z),
      1,
      2,
    );
    within(
      mean((z) => z ** 3),
      0,
      15,
    );
    within(
      mean((z) => z ** 4),
      3,
      96,
    );
    // Within one step of the counter, and across two.
    for (const lag of [1, 2, 3, 4]) {
      const products = whole.reduce((sum, z, i) => sum + z * whole[(i + lag) % COUNT], 0) / COUNT;
      within(products, 0, 1);
    }
  });

  it('is finite, and within the reach of a uniform of 1e-7', () => {
    // √(−2·log 1e-7) = 5.678
    expect(whole.every((z) => Math.abs(z) <= 5.68)).toBe(true);
  });

  it('differs by key and by counter', () => {
    const of = (key: PhiloxKey, counter: number) => {
      const out = new Float32Array(4);
      fillStandardNormal(out, key, counter);
      return [...out];
    };
    expect(of([1, 0], 0)).not.toEqual(of([0, 0], 0));
    expect(of([0, 1], 0)).not.toEqual(of([1, 0], 0));
    expect(of([0, 0], 1)).not.toEqual(of([0, 0], 0));
  });
});

describe('shuffled indices', () => {
  it('is a permutation, the same each time', () => {
    for (const count of [0, 1, 2, 5, 1000, 60_000]) {
      const shuffled = shuffledIndices(count, KEY);
      expect(Int32Array.from(shuffled).sort()).toEqual(Int32Array.from({ length: count }, (_, i) => i));
      expect(shuffledIndices(count, KEY)).toEqual(shuffled);
    }
  });

  it('is pinned: stored splits must not move', () => {
    for (const { key, shuffledTen } of STREAMS) expect([...shuffledIndices(10, key)]).toEqual(shuffledTen);
  });

  it('favours no permutation: chi-square over the 24 of four', () => {
    const trials = 24_000;
    const counts = new Map<string, number>();
    for (let trial = 0; trial < trials; trial++) {
      const name = shuffledIndices(4, deriveKey(7, 'permutation', trial)).join();
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const expected = trials / 24;
    const statistic = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(counts.size).toBe(24);
    expect(statistic).toBeLessThan(chiSquareBound(23));
  });

  it('favours no place: chi-square of where each of ten indices goes', () => {
    const trials = 10_000;
    const counts = new Float64Array(100);
    for (let trial = 0; trial < trials; trial++) {
      shuffledIndices(10, deriveKey(7, 'place', trial)).forEach((index, place) => (counts[10 * index + place] += 1));
    }
    const statistic = counts.reduce((sum, count) => sum + (count - trials / 10) ** 2 / (trials / 10), 0);
    // Rows and columns add up, so of the 100 places 81 are free; the covariance scales the statistic by 10/9.
    expect(statistic).toBeLessThan((10 / 9) * chiSquareBound(81));
  });
});

/** Exceeded with probability about 3e-7 (five standard normals), by Wilson and Hilferty (1931). */
const chiSquareBound = (freedom: number): number =>
  freedom * (1 - 2 / (9 * freedom) + 5 * Math.sqrt(2 / (9 * freedom))) ** 3;

describe('derived keys', () => {
  it('is pinned: stored certificates are recomputed from them', () => {
    for (const { seed, labels, key } of STREAMS) expect(deriveKey(seed, ...labels)).toEqual(key);
    // Without labels it is the first two words of Random123 at counter 0, key 0.
    expect(deriveKey(0)).toEqual([0x6627e8d5, 0xe169c58d]);
  });

  it('tells order, boundaries and kinds of labels apart, and the seed', () => {
    const labels: (string | number)[][] = [
      [],
      [''],
      ['', ''],
      ['a', 'b'],
      ['b', 'a'],
      ['ab'],
      ['a', '', 'b'],
      ['a', 'b', ''],
      [0],
      [0, 0],
      ['0'],
      [1],
      ['1'],
      [2 ** 32],
      [1, 0],
      ['\u0000'],
      ['\u0000', '\u0000'],
      ['ab', 1],
      ['a', 'b', 1],
      [1, 'ab'],
    ];
    const keys = [0, 1, 2 ** 32].flatMap((seed) => labels.map((list) => deriveKey(seed, ...list).join()));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('never gives two lists of labels one key', () => {
    const list = fc.array(fc.oneof(fc.string({ maxLength: 3 }), fc.nat({ max: 3 })), { maxLength: 4 });
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(fc.nat({ max: 2 }), list, (seed, labels) => {
        const name = JSON.stringify([seed, labels]);
        const key = deriveKey(seed, ...labels).join();
        expect(seen.get(key) ?? name).toBe(name);
        seen.set(key, name);
      }),
      { seed: 1, numRuns: 3000 },
    );
  });

  it('spreads neighbours over all 64 bits: half of them differ, within five standard errors', () => {
    let differing = 0;
    const pairs = 2000;
    for (let i = 0; i < pairs; i++) {
      const [a, b] = [deriveKey(7, 'draw', i), deriveKey(7, 'draw', i + 1)];
      for (const word of [0, 1]) {
        for (let bits = (a[word] ^ b[word]) >>> 0; bits > 0; bits = Math.floor(bits / 2)) differing += bits % 2;
      }
    }
    expect(Math.abs(differing - 32 * pairs)).toBeLessThan(5 * Math.sqrt(16 * pairs));
  });
});
