import * as tf from '@tensorflow/tfjs-core';
import type { HeadSpec } from '../../../src/shared/config.ts';
import { projectHead } from '../../../src/main/engine/models/head.ts';
import { arraysFrom, disposeParameters, type Parameters } from '../../../src/main/engine/models/parameters.ts';

/** Singular values of the layers under test: a clear winner, and one that the scaling lifts far. */
const SINGULAR = [2, 1.6, 1, 0.5];

export const specOf = (constraint: 'spectral' | 'bjorck'): HeadSpec => ({
  layers: 1,
  constraint,
  bound: 3,
  groupSize: 2,
  temperature: 1,
});

/** Where one layer's singular values are after each of so many projections, by the projection and in closed form, each [updates, 4]. */
export interface Projected {
  readonly found: readonly (readonly number[])[];
  readonly expected: readonly (readonly number[])[];
  /** Largest entry off the diagonal, which stays one. */
  readonly off: number;
}

/** A layer that is a diagonal with zeros around it, so that its singular values are there to be read. */
export async function projectedDiagonal(
  { constraint, bound, ...spec }: HeadSpec,
  [outputs, inputs]: readonly [number, number],
  updates: number,
): Promise<Projected> {
  const n = SINGULAR.length;
  const values = new Float32Array(outputs * inputs);
  SINGULAR.forEach((s, i) => (values[i * inputs + i] = s));
  let parameters: Parameters = {
    'layer1.direction': tf.tensor2d(values, [outputs, inputs]),
    'layer1.bias': tf.zeros([outputs]),
    ...(constraint === 'spectral' ? { 'layer1.iterate': tf.fill([outputs], 1 / Math.sqrt(outputs)) } : {}),
  };
  const found: number[][] = [];
  let off = 0;
  for (let t = 0; t < updates; t++) {
    const next = projectHead(parameters, { constraint, bound, ...spec });
    disposeParameters(parameters);
    parameters = next;
    const { data } = (await arraysFrom(parameters))['layer1.direction'];
    found.push(SINGULAR.map((_, i) => data[i * inputs + i]));
    data.forEach((value, at) => {
      const diagonal = at % (inputs + 1) === 0 && at < n * (inputs + 1);
      if (!diagonal) off = Math.max(off, Math.abs(value));
    });
  }
  disposeParameters(parameters);
  const closed = constraint === 'spectral' ? dividedByEstimate : nearerToOne;
  return { found, expected: Array.from({ length: updates }, (_, t) => closed(t + 1).map((s) => s * bound)), off };
}

/** Power iteration from a vector of ones, two a projection: σ² = Σ s^(4t) / Σ s^(4t − 2) after t iterations in all. */
function dividedByEstimate(projections: number): number[] {
  const t = 2 * projections;
  const sum = (power: number): number => SINGULAR.reduce((total, s) => total + s ** power, 0);
  return SINGULAR.map((s) => s / Math.sqrt(sum(4 * t) / sum(4 * t - 2)));
}

/** Ten iterations a projection, after the first of which the largest is 1, and dividing by it changes nothing. */
function nearerToOne(t: number): number[] {
  return SINGULAR.map((s) => {
    let value = s / SINGULAR[0];
    for (let i = 0; i < 10 * t; i++) value = (3 * value - value ** 3) / 2;
    return value;
  });
}
