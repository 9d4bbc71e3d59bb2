import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import {
  fillDraws,
  noiseSource,
  standardNormal,
  type FirstDraw,
  type PhiloxKey,
} from '../../../src/main/engine/ops/standardNormal.ts';
import { deriveKey, fillStandardNormal } from '../../../src/main/math/philox.ts';

beforeAll(async () => {
  await openBackend();
});

const KEY = deriveKey(3, 'normals');

type NormalDraws = FirstDraw & { readonly count: number };

function draws(request: Partial<NormalDraws> & { count: number; size: number }): Float32Array {
  return tf.tidy(() =>
    standardNormal(noiseSource({ key: KEY, first: 0, ...request }), [request.count, request.size])
      .dataSync<'float32'>()
      .slice(),
  );
}

/** The host's values of the same draws. */
function hostDraws({ key, first, count, size }: NormalDraws): Float32Array {
  const steps = Math.ceil(size / 4);
  const values = new Float32Array(count * size);
  for (let i = 0; i < count; i++) {
    const padded = new Float32Array(steps * 4);
    fillStandardNormal(padded, key, (first + i) * steps);
    values.set(padded.subarray(0, size), i * size);
  }
  return values;
}

describe('standard normals', () => {
  it.each([1, 3, 4, 6, 784])('of size %i: draw i is the same bit for bit, whatever range or batch asks', (size) => {
    const count = 37;
    const all = draws({ count, size });
    for (const batch of [1, 5, 16, 36]) {
      for (let first = 0; first < count; first += batch) {
        const part = draws({ first, count: Math.min(batch, count - first), size });
        expect(part, `draws ${first}… of ${batch}`).toEqual(all.subarray(first * size, first * size + part.length));
      }
    }
  });

  it.each<[string, PhiloxKey, number, number]>([
    ['from the first', KEY, 0, 784],
    ['of a size that four does not divide', KEY, 0, 27],
    ['of one value', KEY, 11, 1],
    ['of a key of all ones', [0xffffffff, 0xffffffff], 2, 10],
    ['just across 2^32 counters', KEY, 2 ** 32 - 3, 4],
    ['of a large index and size', KEY, 2 ** 40 + 1, 3072],
    ['near 2^53 counters', KEY, 2 ** 53 - 9, 2],
  ])('%s are those of the host', (_, key, first, size) => {
    const request = { key, first, count: 8, size };
    const expected = hostDraws(request);
    const filled = new Float32Array(8 * size);
    fillDraws(filled, request);
    expect(filled).toEqual(expected);
    // The bits of Philox are exact; a logarithm, a root, a sine or cosine and their product each round once, and a sine near
    // a multiple of π keeps the absolute error of its float32 angle, up to 2^-22: times the radius, at most √(2·ln 1e7) < 5.7.
    draws(request).forEach((value, i) => {
      expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(4 * 2 ** -23 * Math.abs(expected[i]) + 5.7 * 2 ** -22);
    });
  });

  it('have mean 0, variance 1 and no correlation between neighbours, within five standard errors', () => {
    const values = draws({ count: 100, size: 1000 });
    const n = values.length;
    const moment = (of: (value: number, i: number) => number): number =>
      values.reduce((sum, value, i) => sum + of(value, i), 0) / n;
    expect(Math.abs(moment((v) => v))).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(moment((v) => v * v) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(moment((v, i) => v * values[(i + 1) % n]))).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(moment((v, i) => v * values[(i + 1000) % n]))).toBeLessThan(5 / Math.sqrt(n));
  });

  it('of two keys have nothing in common', () => {
    const [one, other] = [draws({ count: 1, size: 64 }), draws({ key: deriveKey(4, 'normals'), count: 1, size: 64 })];
    expect(one.some((value, i) => value === other[i])).toBe(false);
  });

  it('leave no tensor behind but the one they return', () => {
    const before = tf.memory().numTensors;
    const source = noiseSource({ key: KEY, first: 0, size: 5 });
    tf.dispose([standardNormal(source, [2, 5]), source.key, source.counter]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
