import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdversarialSearchSettings } from '../../../src/shared/config.ts';
import type { AdversarialSearchRecord, HeadWeights } from '../../../src/shared/results.ts';
import { adversarialSearch } from '../../../src/main/engine/attacks/adversarialSearch.ts';
import { inputSearchStep } from '../../../src/main/engine/attacks/inputSearch.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { Cancelled, QUIET } from '../../../src/main/engine/context.ts';
import { everyIndex, imageTensor } from '../../../src/main/engine/imageSet.ts';
import { freezeHead, disposeHead } from '../../../src/main/engine/models/head.ts';
import { disposeParameters } from '../../../src/main/engine/models/parameters.ts';
import { extract, freeze, initialExtractor, type FrozenExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import { nearestHalfSpace } from '../../../src/main/math/halfSpaces.ts';
import { argmax, headLogits } from '../../../src/main/math/head.ts';
import { affineExtractor, slopeOf } from '../models/affineExtractor.ts';
import { toySet } from '../toySet.ts';

const NET = { blocks: [1, 1, 1], width: 1 } as const;
const [SIZE, D, K, COUNT] = [8, 64, 3, 30];
const set = toySet(COUNT, { size: SIZE, classes: K });
const INDICES = everyIndex(set);

let extractor: FrozenExtractor;
/** Class means as rows, with a bias against class 0: right on all but about half of that class. */
let weights: HeadWeights;
/** [COUNT][D] */
let z: number[][];

beforeAll(async () => {
  await openBackend();
  extractor = freeze(NET, initialExtractor(NET, 1, 3));
  z = tf.tidy(() => extract(extractor, imageTensor(set, INDICES)).arraySync());
  const labels = set.labels(INDICES);
  const weight = new Float32Array(K * D);
  z.forEach((row, i) => row.forEach((v, d) => (weight[labels[i] * D + d] += v / (COUNT / K))));
  const bias = Float32Array.from(
    { length: K },
    (_, k) => -(Math.hypot(...weight.subarray(k * D, (k + 1) * D)) ** 2) / 2,
  );
  const margins = z
    .filter((_, i) => labels[i] === 0)
    .map((row) => {
      const logits = [0, 1, 2].map((k) => row.reduce((sum, v, d) => sum + v * weight[k * D + d], bias[k]));
      return logits[0] - Math.max(logits[1], logits[2]);
    });
  const [below, above] = margins.toSorted((a, b) => a - b).slice(4, 6);
  bias[0] -= (below + above) / 2;
  weights = { constraint: 'none', bound: 1, groupSize: 2, layers: [{ inputs: D, outputs: K, weight, bias }] };
});
afterAll(() => disposeParameters(extractor.parameters));

const SETTINGS = { enabled: true, inputSearch: true, steps: 200, learningRate: 0.05, regulariser: 0.1 } as const;

interface Search extends Partial<AdversarialSearchSettings> {
  readonly indices?: Int32Array;
  readonly head?: HeadWeights;
}

async function search({ indices = INDICES, head = weights, ...change }: Search): Promise<AdversarialSearchRecord[]> {
  const records: AdversarialSearchRecord[] = [];
  await adversarialSearch(
    { extractor, weights: head, set, indices, settings: { ...SETTINGS, ...change } },
    { ...QUIET, searched: (part) => records.push(...part) },
  );
  return Array.from(indices, (index) => records.find(({ datasetIndex }) => datasetIndex === index)!);
}

function representationAt({ datasetIndex, input }: AdversarialSearchRecord): number[] {
  return tf.tidy(() => {
    const delta = tf.tensor4d(input!.perturbation, [1, SIZE, SIZE, 1]);
    return extract(extractor, tf.add(imageTensor(set, Int32Array.of(datasetIndex)), delta)).arraySync()[0];
  });
}

const largest = (values: readonly number[]): number => Math.max(...values.map(Math.abs));

describe('the search for adversarial representations', () => {
  it('finds the closest for every instance that is right, and looks for none where the prediction is wrong', async () => {
    const records = await search({ inputSearch: false });
    const right = records.filter(({ label, predicted }) => label === predicted);
    expect(right.length).toBeGreaterThan(COUNT / 2);
    expect(right.length).toBeLessThan(COUNT);
    for (const { datasetIndex, label, predicted, representation, input } of records) {
      const own = z[datasetIndex];
      expect(label).toBe(datasetIndex % K);
      expect(predicted).toBe(argmax(headLogits(weights, own)));
      expect(input).toBeNull();
      expect(representation === null).toBe(predicted !== label);
      if (representation === null) continue;
      const { rival, distance } = nearestHalfSpace(weights, own, predicted)!;
      expect(representation.adversarialClass).toBe(rival);
      expect(argmax(headLogits(weights, representation.point))).toBe(rival);
      // Representations of another batch differ in their last digits, and so does what lies between them and the plane.
      expect(Math.abs(representation.distanceL2 - distance)).toBeLessThan(2e-6 * distance + 1e-5 * Math.hypot(...own));
      expect(representation.distanceLinf).toBeCloseTo(largest([...representation.point].map((v, d) => v - own[d])), 4);
    }
  });

  it('refuses a head of several layers', async () => {
    const [layer] = weights.layers;
    const deep = {
      ...weights,
      layers: [{ ...layer, outputs: D, weight: new Float32Array(D * D), bias: new Float32Array(D) }, layer],
    };
    await expect(search({ head: deep })).rejects.toThrow(/got a head of 2 layers, expected 1/);
  });
});

describe('the input search', () => {
  it('ends where the prediction changes, not a step later, and what it reports is what it stores', async () => {
    const records = await search({});
    const found = records.filter(({ input }) => input?.found);
    expect(found.length).toBeGreaterThan(3);
    for (const record of found) {
      const { predicted, input, representation } = record;
      const reached = representationAt(record);
      expect(argmax(headLogits(weights, reached))).toBe(input!.predicted);
      expect(input!.predicted).not.toBe(predicted);
      expect(input!.steps).toBeGreaterThan(0);
      expect(input!.distanceL2).toBeCloseTo(Math.hypot(...input!.perturbation), 5);
      expect(input!.distanceLinf).toBeCloseTo(largest([...input!.perturbation]), 6);
      const apart = reached.map((v, d) => v - representation!.point[d]);
      expect(input!.representationDistanceLinf).toBeCloseTo(largest(apart), 4);
    }
    expect(new Set(found.map(({ input }) => input!.steps)).size).toBeGreaterThan(1);
    for (const { datasetIndex, input } of found.slice(0, 4)) {
      const [shorter] = await search({ indices: Int32Array.of(datasetIndex), steps: input!.steps - 1 });
      expect(shorter.input).toMatchObject({ found: false, steps: input!.steps - 1, predicted: shorter.predicted });
    }
  });

  it('comes nearer to the representation that it looks for, the more steps it takes', async () => {
    const distanceAfter = async (steps: number): Promise<number> => {
      const records = await search({ steps, learningRate: 1e-3 });
      const distances = records.flatMap(({ representation, input }, i) =>
        input === null
          ? []
          : representationAt(records[i]).reduce((sum, v, d) => sum + Math.abs(v - representation!.point[d]), 0),
      );
      return distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
    };
    const [none, some, more] = [await distanceAfter(1), await distanceAfter(10), await distanceAfter(40)];
    expect(some).toBeLessThan(none);
    expect(more).toBeLessThan(some);
  });

  it('looks for inputs of those instances alone that have a representation to look for', async () => {
    for (const { representation, input } of await search({ steps: 1 })) {
      expect(input === null).toBe(representation === null);
    }
  });

  it('finds the same for an instance whatever others are searched with it', async () => {
    const all = await search({ steps: 40 });
    const few = await search({ steps: 40, indices: Int32Array.of(17, 4, 9, 20) });
    for (const record of few) expect(record).toEqual(all[record.datasetIndex]);
  });

  it('stops where its next point is not finite, having found nothing', async () => {
    for (const { input } of await search({ learningRate: 3e38, regulariser: 1e30 })) {
      if (input === null) continue;
      expect(input.steps).toBeLessThanOrEqual(1);
      expect(input.perturbation.every(Number.isFinite)).toBe(true);
      if (input.found) expect(input.steps).toBe(1);
    }
  });

  it('reports progress over all instances, and leaves no tensor behind, cancelled or not', async () => {
    const before = tf.memory().numTensors;
    const done: [number, number][] = [];
    const inputs = { extractor, weights, set, indices: INDICES, settings: { ...SETTINGS, steps: 5 } };
    const progress = (...counts: [number, number]): void => void done.push(counts);
    await adversarialSearch(inputs, { ...QUIET, progress, searched: () => undefined });
    expect(done.at(-1)).toEqual([COUNT, COUNT]);
    expect(done).toEqual(done.toSorted(([a], [b]) => a - b));
    let breaths = 0;
    const breathe = (): Promise<void> => (++breaths === 4 ? Promise.reject(new Cancelled()) : Promise.resolve());
    await expect(adversarialSearch(inputs, { ...QUIET, breathe, searched: () => undefined })).rejects.toThrow(
      Cancelled,
    );
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('a step of the input search on an affine model', () => {
  const COEFFICIENTS = { steps: 1, learningRate: 0.5, regulariser: 3 };
  const delta = Float32Array.from({ length: SIZE * SIZE }, (_, i) => Math.cos(i));

  /** One instance, its goal above, below and exactly at what the model gives. */
  function stepFrom(start: Float32Array): { next: Float32Array; expected: number[] } {
    const affine = affineExtractor();
    const head = freezeHead(weights);
    const images = tf.tensor2d(set.images(Int32Array.of(2)), [1, SIZE * SIZE]);
    const at = tf.tensor2d(start, [1, SIZE * SIZE]);
    const own = tf.tidy(() =>
      extract(affine, tf.reshape(tf.add(images, at), [1, SIZE, SIZE, 1])).dataSync<'float32'>(),
    );
    // z − z' is −1, 0, 1, −1, …
    const signs = Float32Array.from(own, (_, d) => (d % 3) - 1);
    const goals = tf.tensor2d(
      own.map((v, d) => v - signs[d]),
      [1, D],
    );
    const outputs = tf.tidy(
      () =>
        inputSearchStep(
          { extractor: affine, head, set, settings: COEFFICIENTS },
          { images, delta: at, goals },
        ) as never,
    ) as ReturnType<typeof inputSearchStep>;
    const slope = slopeOf(affine, SIZE, signs);
    const norm = Math.hypot(...start);
    const expected = [...slope].map((s, i) => start[i] - 0.5 * (s + (norm === 0 ? 0 : (3 * start[i]) / norm)));
    const next = outputs.next.dataSync<'float32'>().slice();
    expect([...outputs.logits.shape, ...outputs.representations.shape]).toEqual([1, K, 1, D]);
    tf.dispose([images, at, goals, outputs.next, outputs.logits, outputs.representations]);
    disposeHead(head);
    disposeParameters(affine.parameters);
    return { next, expected };
  }

  it.each([
    ['the input itself, where the distance has no gradient', new Float32Array(SIZE * SIZE)],
    ['elsewhere', delta],
  ])('from %s is the learning rate times the gradient of ‖z − z′‖₁ + regulariser · ‖δ‖₂', (_, start) => {
    const { next, expected } = stepFrom(start);
    const size = largest(expected.map((v, i) => v - start[i]));
    expected.forEach((v, i) => expect(Math.abs(next[i] - v)).toBeLessThan(1e-4 * size));
    expect(size).toBeGreaterThan(0.1);
  });
});
