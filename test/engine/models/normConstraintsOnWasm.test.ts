import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { projectedDiagonal, specOf } from './projections.ts';

beforeAll(async () => {
  await openBackend('wasm');
});

it.each(['spectral', 'bjorck'] as const)('the projection under %s is the same on wasm', async (constraint) => {
  expect(tf.getBackend()).toBe('wasm');
  for (const shape of [
    [4, 7],
    [7, 4],
  ] as const) {
    const { found, expected } = await projectedDiagonal(specOf(constraint), shape, 4);
    found.flat().forEach((value, i) => {
      // As in normConstraints.test.ts.
      expect(Math.abs(value - expected.flat()[i])).toBeLessThanOrEqual(3 * 16 * 2 ** -23);
    });
  }
});
