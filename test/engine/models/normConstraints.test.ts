import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { compile } from '../../../src/main/engine/compile/compile.ts';
import { nativeBackend } from '../../../src/main/engine/ops/native.ts';
import { initialHead, projectHead } from '../../../src/main/engine/models/head.ts';
import { arraysFrom, disposeParameters, parametersFrom } from '../../../src/main/engine/models/parameters.ts';
import { projectedDiagonal, specOf } from './projections.ts';

beforeAll(async () => {
  await openBackend();
});

/** Singular values up to 3, after at most 40 Björck iterations of three roundings each, which the iteration draws together, or a few sums. */
const ROUNDING = 3 * 16 * 2 ** -23;

describe.each(['spectral', 'bjorck'] as const)('the projection under %s', (constraint) => {
  it.each([
    [4, 4],
    [4, 7],
    [7, 4],
    [5, 6],
  ])('takes singular values where the closed form says, update for update: %i outputs, %i inputs', async (...shape) => {
    // A tall or square layer has zero rows here, which neither iteration touches; ones in the iterate there fall away at once.
    const { found, expected, off } = await projectedDiagonal(specOf(constraint), shape, 4);
    expect(off).toBe(0);
    found.forEach((values, t) => {
      values.forEach((value, i) => {
        expect(Math.abs(value - expected[t][i]), `update ${t + 1}, value ${i + 1}`).toBeLessThanOrEqual(ROUNDING);
      });
    });
  });

  it('is the same in a compiled step, and leaves no tensor behind', async () => {
    const shape = { spec: { ...specOf(constraint), layers: 4 as const }, inputs: 12, classes: 5 };
    const before = tf.memory().numTensors;
    const parameters = parametersFrom(initialHead(shape, 1));
    const step = compile((inputs: { parameters: typeof parameters }) => ({
      projected: projectHead(inputs.parameters, shape.spec),
    }));
    const { projected } = step.run({ parameters });
    expect(step.status().mode).toBe(nativeBackend() === null ? 'eager' : 'compiled');
    const eager = projectHead(parameters, shape.spec);
    const [actual, expected] = [await arraysFrom(projected), await arraysFrom(eager)];
    expect(Object.keys(actual).sort()).toEqual(Object.keys(parameters).sort());
    for (const [name, { data }] of Object.entries(actual)) {
      data.forEach((value, i) => {
        expect(Math.abs(value - expected[name].data[i]), name).toBeLessThanOrEqual(ROUNDING);
      });
    }
    [parameters, projected, eager].forEach(disposeParameters);
    step.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
