import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { HeadSpec } from '../../../src/shared/config.ts';
import type { HeadWeights } from '../../../src/shared/results.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import {
  classify,
  disposeHead,
  finishedHead,
  freezeHead,
  headLogits,
  initialHead,
  isIterate,
  projectHead,
} from '../../../src/main/engine/models/head.ts';
import { hiddenWidth, layerSizes, type HeadShape } from '../../../src/main/engine/models/headShape.ts';
import { isNormConstraint } from '../../../src/main/engine/models/normConstraints.ts';
import { arraysFrom, disposeParameters, parametersFrom } from '../../../src/main/engine/models/parameters.ts';
import type { Parameters } from '../../../src/main/engine/models/parameters.ts';
import { deriveKey, fillStandardNormal } from '../../../src/main/math/philox.ts';
import { expectConstrained } from './expectConstrained.ts';
import { headLogits as headLogitsOnHost } from '../../../src/main/math/head.ts';
import { spectralNormUpper } from '../../../src/main/math/spectralNorm.ts';

const FLOAT32_EPSILON = 2 ** -23;
const [D, K] = [20, 5];

beforeAll(async () => {
  await openBackend();
});

function normals(count: number, ...labels: (string | number)[]): Float32Array {
  const values = new Float32Array(count);
  fillStandardNormal(values, deriveKey(6, ...labels), 0);
  return values;
}

const shapeOf = (change: Partial<HeadSpec>): HeadShape => ({
  spec: { layers: 1, constraint: 'none', bound: 1, groupSize: 2, temperature: 30, ...change },
  inputs: D,
  classes: K,
});

/** Every constraint with one and four layers, a bound of its own each, and larger groups. */
const SHAPES: readonly HeadShape[] = [
  shapeOf({}),
  shapeOf({ layers: 4, groupSize: 4 }),
  shapeOf({ constraint: 'wn' }),
  shapeOf({ constraint: 'wn', layers: 4, bound: 0.3, groupSize: 4 }),
  shapeOf({ constraint: 'wn-l1', bound: 2.5 }),
  shapeOf({ constraint: 'wn-l1', layers: 4, hiddenWidth: 12, groupSize: 6 }),
  shapeOf({ constraint: 'spectral' }),
  shapeOf({ constraint: 'spectral', layers: 4, bound: 0.3, hiddenWidth: 28 }),
  shapeOf({ constraint: 'bjorck', bound: 2.5 }),
  shapeOf({ constraint: 'bjorck', layers: 4, hiddenWidth: 28, groupSize: 4 }),
];
const NAMED = SHAPES.map(
  (shape) => [`${shape.spec.layers} layers, ${shape.spec.constraint}, k = ${shape.spec.bound}`, shape] as const,
);
const BOUNDED_ROWS = NAMED.filter(([, { spec }]) => spec.constraint === 'wn' || spec.constraint === 'wn-l1');
const BOUNDED_NORM = NAMED.filter(([, { spec }]) => isNormConstraint(spec.constraint));
const NOT_BOUNDED_NORM = NAMED.filter(([, { spec }]) => !isNormConstraint(spec.constraint));

/** Parameters that an update could have left: every array moved, magnitudes on either side of either bound. */
function updatedHead(shape: HeadShape): Parameters {
  const arrays = initialHead(shape, 1);
  return parametersFrom(
    Object.fromEntries(
      Object.entries(arrays).map(([name, { shape: size, data }]) => {
        const moved = normals(data.length, 'update', name);
        return [name, { shape: size, data: data.map((v, i) => v + (name.endsWith('magnitude') ? 2 : 0.3) * moved[i]) }];
      }),
    ),
  );
}

async function finishedAfterProjection(shape: HeadShape): Promise<HeadWeights> {
  const updated = updatedHead(shape);
  const projected = projectHead(updated, shape.spec);
  const weights = await finishedHead(shape, projected);
  disposeParameters(updated);
  disposeParameters(projected);
  return weights;
}

const rowsOf = ({ inputs, outputs, weight }: HeadWeights['layers'][number]): Float64Array[] =>
  Array.from({ length: outputs }, (_, row) => Float64Array.from(weight.subarray(row * inputs, (row + 1) * inputs)));

const norms = {
  wn: (row: Float64Array): number => Math.hypot(...row),
  'wn-l1': (row: Float64Array): number => row.reduce((sum, v) => sum + Math.abs(v), 0),
};

describe('layer sizes', () => {
  it.each([
    ['one layer', shapeOf({}), [[20, 5]]],
    [
      'four, D rounded up to whole groups',
      shapeOf({ layers: 4, groupSize: 8 }),
      [
        [20, 24],
        [24, 24],
        [24, 24],
        [24, 5],
      ],
    ],
    [
      'four, at their own width',
      shapeOf({ layers: 4, hiddenWidth: 6 }),
      [
        [20, 6],
        [6, 6],
        [6, 6],
        [6, 5],
      ],
    ],
  ])('of %s', (_, shape, expected) => {
    expect(layerSizes(shape).map(({ inputs, outputs }) => [inputs, outputs])).toEqual(expected);
  });

  it('have 256 hidden units from D = 256 on', () => {
    const { spec } = shapeOf({ layers: 4 });
    expect([255, 256, 640].map((inputs) => hiddenWidth({ spec, inputs }))).toEqual([256, 256, 256]);
    expect(hiddenWidth({ spec, inputs: 63 })).toBe(64);
  });
});

describe('a fresh head', () => {
  it.each(NAMED)('of %s has its magnitudes at the bound, zero biases, and is the same for a seed', (_, shape) => {
    const arrays = initialHead(shape, 1);
    expect(initialHead(shape, 1)).toEqual(arrays);
    expect(initialHead(shape, 2)).not.toEqual(arrays);
    for (const [name, { data }] of Object.entries(arrays)) {
      if (name.endsWith('bias')) expect(data).toEqual(new Float32Array(data.length));
      if (name.endsWith('magnitude')) expect(data).toEqual(new Float32Array(data.length).fill(shape.spec.bound));
    }
    const magnitudes = Object.keys(arrays).filter((name) => name.endsWith('magnitude'));
    const { constraint, layers } = shape.spec;
    expect(magnitudes).toHaveLength(constraint === 'wn' || constraint === 'wn-l1' ? layers : 0);
    expect(Object.keys(arrays).filter(isIterate)).toHaveLength(constraint === 'spectral' ? layers : 0);
  });

  it.each(BOUNDED_NORM)('of %s keeps its constraint before the first update', async (_, shape) => {
    const parameters = parametersFrom(initialHead(shape, 1));
    const arrays = await arraysFrom(parameters);
    expectConstrained(shape, await finishedHead(shape, parameters));
    layerSizes(shape).forEach(({ inputs, outputs }, i) => {
      const values = arrays[`layer${i + 1}.direction`].data;
      expect(spectralNormUpper({ rows: outputs, columns: inputs, values })).toBeLessThanOrEqual(shape.spec.bound);
    });
    disposeParameters(parameters);
  });
});

describe('the projection after an update', () => {
  it.each(NOT_BOUNDED_NORM)(
    'of %s changes nothing the second time, and nothing but magnitudes the first',
    async (_, shape) => {
      const updated = updatedHead(shape);
      const once = projectHead(updated, shape.spec);
      const twice = projectHead(once, shape.spec);
      const [before, after] = [await arraysFrom(updated), await arraysFrom(once)];
      expect(await arraysFrom(twice)).toEqual(after);
      for (const name of Object.keys(before)) {
        const { data } = before[name];
        const { bound } = shape.spec;
        const clamped = data.map((v) => Math.max(-bound, Math.min(bound, v)));
        expect(after[name].data, name).toEqual(name.endsWith('magnitude') ? clamped : data);
        // The update reaches past both bounds, else clamping would not show.
        if (name.endsWith('magnitude')) expect(clamped).not.toEqual(data);
      }
      [updated, once, twice].forEach(disposeParameters);
    },
  );

  it.each(BOUNDED_ROWS)(
    'of %s leaves every row within the bound, and rows of clamped magnitude on it',
    async (_, shape) => {
      const { constraint, bound } = shape.spec;
      const normOf = norms[constraint as keyof typeof norms];
      const { layers } = await finishedAfterProjection(shape);
      const found = layers.flatMap(rowsOf).map(normOf);
      // A norm of at most 20 or 24 float32 terms, its root, a division and a product.
      const slack = 30 * FLOAT32_EPSILON;
      for (const norm of found) expect(norm).toBeLessThanOrEqual(bound * (1 + slack));
      const onBound = found.filter((norm) => norm >= bound * (1 - slack)).length;
      expect(onBound).toBeGreaterThan(0);
      expect(onBound).toBeLessThan(found.length);
    },
  );
});

describe('a finished head', () => {
  it.each(BOUNDED_NORM)('of %s keeps its constraint after rounding, whatever training left', async (_, shape) => {
    const parameters = updatedHead(shape);
    expectConstrained(shape, await finishedHead(shape, parameters));
    disposeParameters(parameters);
  });

  it.each(BOUNDED_NORM)('of %s is the projected one but for what the projection left over', async (_, shape) => {
    const updated = updatedHead(shape);
    // So many that nothing is left over.
    let projected = projectHead(updated, shape.spec);
    for (let i = 0; i < 200; i++) {
      const next = projectHead(projected, shape.spec);
      disposeParameters(projected);
      projected = next;
    }
    const arrays = await arraysFrom(projected);
    const { layers } = await finishedHead(shape, projected);
    layers.forEach(({ weight }, i) => {
      const { data } = arrays[`layer${i + 1}.direction`];
      // Of entries no larger than k: float32 sums of at most 28 terms in the projection, and 3e-7 of rounding to the inside.
      const tolerance = shape.spec.bound * (3e-7 + 28 * FLOAT32_EPSILON);
      weight.forEach((value, t) => {
        expect(Math.abs(value - data[t])).toBeLessThanOrEqual(tolerance);
      });
    });
    [updated, projected].forEach(disposeParameters);
  });

  it('tells its constraint, bound, group size and the sizes of its layers', async () => {
    const shape = shapeOf({ constraint: 'wn-l1', layers: 4, bound: 2.5, groupSize: 4 });
    const { layers, ...facts } = await finishedAfterProjection(shape);
    expect(facts).toEqual({ constraint: 'wn-l1', bound: 2.5, groupSize: 4 });
    expect(layers.map(({ inputs, outputs }) => ({ inputs, outputs }))).toEqual(layerSizes(shape));
    for (const { inputs, outputs, weight, bias } of layers) {
      expect([weight.length, bias.length]).toEqual([inputs * outputs, outputs]);
    }
  });

  it.each(NOT_BOUNDED_NORM)('of %s has the logits of the host in float64, in training too', async (_, shape) => {
    const n = 16;
    const parameters = updatedHead(shape);
    const z = normals(n * D, 'representations');
    const weights = await finishedHead(shape, parameters);
    const frozen = freezeHead(weights);
    expect(frozen.classes).toBe(K);
    const [inTraining, finished] = tf.tidy(() => {
      const tensor = tf.tensor2d(z, [n, D]);
      return [headLogits(shape.spec, parameters, tensor), classify(frozen, tensor)].map((t) =>
        t.dataSync<'float32'>().slice(),
      );
    });
    // A sum of at most 24 products a layer, each relative to the largest logit or unit met: GroupSort and a bounded layer
    // keep units in size, an unbounded one grows them by less than its largest row's L1 norm.
    const growth = weights.layers.reduce((product, layer) => {
      const widest = Math.max(...rowsOf(layer).map(norms['wn-l1']));
      return product * Math.max(1, widest);
    }, 1);
    const tolerance = shape.spec.layers * 25 * FLOAT32_EPSILON * growth * Math.max(1, ...z.map(Math.abs));
    for (let row = 0; row < n; row++) {
      const expected = headLogitsOnHost(weights, z.subarray(row * D, (row + 1) * D));
      // Each sums in an order of its own.
      for (const logits of [inTraining, finished]) {
        expected.forEach((logit, k) => {
          expect(Math.abs(logits[row * K + k] - logit)).toBeLessThanOrEqual(tolerance);
        });
      }
    }
    disposeParameters(parameters);
    disposeHead(frozen);
  });

  it('does not depend on the length of a direction under a constraint', async () => {
    const shape = shapeOf({ constraint: 'wn', layers: 4 });
    const parameters = updatedHead(shape);
    const longer = Object.fromEntries(
      Object.entries(parameters).map(([name, tensor]) => [
        name,
        // Powers of two: exact.
        tf.mul(tensor, name.endsWith('direction') ? 1024 : 1),
      ]),
    );
    expect(await finishedHead(shape, longer)).toEqual(await finishedHead(shape, parameters));
    disposeParameters(parameters);
    disposeParameters(longer);
  });

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    for (const shape of SHAPES) {
      const weights = await finishedAfterProjection(shape);
      const frozen = freezeHead(weights);
      tf.dispose(tf.tidy(() => classify(frozen, tf.zeros([2, D]))));
      disposeHead(frozen);
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});
