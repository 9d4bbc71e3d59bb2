import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PgdSettings } from '../../../src/shared/config.ts';
import type { HeadWeights, PgdRecord } from '../../../src/shared/results.ts';
import { pgd, relativeStepOf } from '../../../src/main/engine/attacks/pgd.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { Cancelled, QUIET } from '../../../src/main/engine/context.ts';
import { imageTensor } from '../../../src/main/engine/imageSet.ts';
import { classify, disposeHead, freezeHead } from '../../../src/main/engine/models/head.ts';
import { disposeParameters } from '../../../src/main/engine/models/parameters.ts';
import { extract, type FrozenExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import { affineExtractor, slopeOf } from '../models/affineExtractor.ts';
import { toySet } from '../toySet.ts';

const [SIZE, D, COUNT] = [8, 64, 24];
const set = toySet(COUNT, { size: SIZE, classes: 2 });
const INDICES = Int32Array.from({ length: COUNT }, (_, i) => i);

let extractor: FrozenExtractor;
let w: Float32Array;
let threshold: number;
/** Class 1 wins where w·z exceeds what it is half-way between the classes' means. */
let weights: HeadWeights;
/** L2 distance of each instance to the decision boundary, negative where it is on the wrong side. */
let distances: number[];

beforeAll(async () => {
  await openBackend();
  extractor = affineExtractor();
  const z = tf.tidy(() => extract(extractor, imageTensor(set, INDICES)).arraySync());
  const labels = set.labels(INDICES);
  const mean = (k: number): number[] =>
    z[0].map((_, d) => z.reduce((sum, row, i) => sum + (labels[i] === k ? row[d] : 0), 0) / (COUNT / 2));
  const [zero, one] = [mean(0), mean(1)];
  const apart = Float32Array.from(one, (v, d) => v - zero[d]);
  const slope = Math.hypot(...slopeOf(extractor, SIZE, apart));
  // Of slope 1, so that the margin is the distance itself.
  w = apart.map((v) => v / slope);
  threshold = w.reduce((sum, v, d) => sum + (v * (zero[d] + one[d])) / 2, 0);
  weights = headOf(w, threshold);
  distances = z.map((row, i) => (labels[i] === 1 ? 1 : -1) * row.reduce((sum, v, d) => sum + v * w[d], -threshold));
});
afterAll(() => disposeParameters(extractor.parameters));

function headOf(direction: Float32Array, limit: number): HeadWeights {
  const weight = new Float32Array(2 * D);
  weight.set(direction, D);
  const layers = [{ inputs: D, outputs: 2, weight, bias: Float32Array.of(0, -limit) }];
  return { constraint: 'none', bound: 1, groupSize: 2, layers };
}

const SETTINGS: PgdSettings = { enabled: true, epsilon: 0.1, steps: 10, randomStart: true, restarts: 1 };

interface Attack extends Partial<PgdSettings> {
  readonly indices?: Int32Array;
  readonly seed?: number;
  readonly weights?: HeadWeights;
}

async function attack({
  indices = INDICES,
  seed = 3,
  weights: own = weights,
  ...change
}: Attack): Promise<PgdRecord[]> {
  const records: PgdRecord[] = [];
  const head = freezeHead(own);
  await pgd(
    { extractor, head, set, indices, settings: { ...SETTINGS, ...change }, domain: 'target', seed },
    { ...QUIET, attacked: (part) => records.push(...part) },
  );
  disposeHead(head);
  // An instance is reported once it is done with, so the order is that of the steps it took.
  return Array.from(indices, (index) => records.find(({ datasetIndex }) => datasetIndex === index)!);
}

/** Logits at x + δ. */
function logitsAt({ datasetIndex, perturbation }: PgdRecord): number[] {
  const head = freezeHead(weights);
  const logits = tf.tidy(() => {
    const delta = tf.tensor4d(perturbation!, [1, SIZE, SIZE, 1]);
    const image = tf.add<tf.Tensor4D>(imageTensor(set, Int32Array.of(datasetIndex)), delta);
    return [...classify(head, extract(extractor, image)).dataSync()];
  });
  disposeHead(head);
  return logits;
}

const shareRobust = (records: readonly PgdRecord[]): number =>
  records.filter(({ robust }) => robust).length / records.length;

/** Scores near 1e4 in float32 (offsets of 64 keep the net affine) move the boundary by this much of the distance. */
const SLACK = 1e-2;

describe('PGD on an affine model, whose distances are known', () => {
  it('has instances on the right side at distances apart, for the tests below to mean something', () => {
    const right = distances.filter((distance) => distance > 0).sort((a, b) => a - b);
    expect(right.length).toBeGreaterThan(COUNT * 0.8);
    expect(right.at(-1)! / right[0]).toBeGreaterThan(1.5);
  });

  it.each([true, false])(
    'breaks what lies within epsilon, and nothing that does not: random start %s',
    async (randomStart) => {
      const median = distances.toSorted((a, b) => a - b)[COUNT / 2];
      for (const epsilon of [0.5 * median, median, 2 * median]) {
        for (const record of await attack({ epsilon, randomStart, steps: 20 })) {
          const ratio = distances[record.datasetIndex] / epsilon;
          if (ratio > 1 + SLACK) expect(record, `distance/ε ${ratio}`).toMatchObject({ robust: true });
          if (ratio < 1 - SLACK) expect(record, `distance/ε ${ratio}`).toMatchObject({ robust: false });
        }
      }
    },
  );

  it('stays in the ball, and what it reports as broken is: the stored perturbation changes the prediction', async () => {
    const epsilon = Math.max(...distances) * 1.5;
    const records = await attack({ epsilon });
    const perturbed = records.filter(({ perturbation }) => perturbation !== null);
    expect(perturbed.length).toBeGreaterThan(COUNT / 2);
    for (const record of perturbed) {
      const norm = Math.hypot(...record.perturbation!);
      expect(norm).toBeLessThanOrEqual(epsilon * (1 + 1e-6));
      expect(norm).toBeGreaterThanOrEqual(distances[record.datasetIndex] * (1 - SLACK));
      expect(Math.abs(record.perturbationNorm! - norm)).toBeLessThanOrEqual(1e-6 * norm);
      const logits = logitsAt(record);
      expect(logits[record.label]).toBeLessThanOrEqual(logits[1 - record.label]);
      expect(record.brokenAtStep).toBeGreaterThanOrEqual(1);
      expect(record.brokenAtStep).toBeLessThanOrEqual(SETTINGS.steps);
    }
  });

  // At 30 the margins reach 75: p rounds to 1 in float32, and the gradient of the plain cross-entropy is lost.
  it.each([1, 30])('goes straight to the boundary by steps of 2.5 ε / steps, logits times %i', async (factor) => {
    const epsilon = Math.max(...distances) * 1.5;
    const scaled = headOf(
      w.map((v) => v * factor),
      threshold * factor,
    );
    for (const record of await attack({ weights: scaled, epsilon, randomStart: false })) {
      const distance = distances[record.datasetIndex];
      if (distance <= 0) continue;
      const steps = distance / (0.25 * epsilon);
      expect([Math.ceil(steps * (1 - SLACK)), Math.ceil(steps * (1 + SLACK))]).toContain(record.brokenAtStep);
      expect(record.zeroGradientShare).toBe(0);
      // The point that broke it, not the one after.
      expect(record.perturbationNorm! / (0.25 * epsilon * record.brokenAtStep!)).toBeCloseTo(1, 4);
    }
  });

  it('takes as many steps as it is told: one of length ε reaches the edge of the ball', async () => {
    const epsilon = Math.max(...distances) * (1 + SLACK);
    const records = await attack({ epsilon, randomStart: false, steps: 1, relativeStep: 1 });
    for (const { datasetIndex, brokenAtStep } of records)
      expect(brokenAtStep).toBe(distances[datasetIndex] > 0 ? 1 : 0);
  });
});

describe('the losses of the first restart', () => {
  /** Log-odds of two classes are the margin's negative, which is the distance, and every step is a way of its length. */
  it('rise by what the steps of either half cover', async () => {
    const epsilon = 0.5 * Math.min(...distances.filter((distance) => distance > 0));
    for (const steps of [5, 10]) {
      const records = await attack({ epsilon, steps, relativeStep: 0.08, randomStart: false, restarts: 2 });
      for (const { datasetIndex, robust, lossStart, lossHalf, lossEnd } of records) {
        const distance = distances[datasetIndex];
        if (distance <= 0) continue;
        expect(robust).toBe(true);
        for (const [loss, step] of [
          [lossStart!, 0],
          [lossHalf!, Math.ceil(steps / 2)],
          [lossEnd!, steps],
        ]) {
          expect(Math.abs(loss - (0.08 * epsilon * step - distance))).toBeLessThan(SLACK * epsilon);
        }
      }
    }
  });

  it('are null from where it was broken on, and where it never began', async () => {
    const epsilon = Math.max(...distances) * 1.5;
    for (const record of await attack({ epsilon, randomStart: false, restarts: 2 })) {
      const { brokenAtStep, lossStart, lossHalf, lossEnd } = record;
      const reached = [0, 5, 10].map((step) => brokenAtStep! > 0 && step <= brokenAtStep!);
      expect([lossStart, lossHalf, lossEnd].map((loss) => loss !== null)).toEqual(reached);
    }
  });

  it('are those of the first, whatever later ones come to', async () => {
    const settings = { epsilon: 1e-2 * Math.max(...distances), steps: 4 };
    const [one, three] = [await attack(settings), await attack({ ...settings, restarts: 3 })];
    const lossesOf = ({ lossStart, lossHalf, lossEnd }: PgdRecord): unknown => [lossStart, lossHalf, lossEnd];
    expect(three.map(lossesOf)).toEqual(one.map(lossesOf));
  });
});

describe('an attacked instance', () => {
  it('wrong without a perturbation is broken at step 0, with none stored, and not attacked', async () => {
    const labels = set.labels(INDICES);
    const wrongFor = (label: number): HeadWeights => headOf(new Float32Array(D), label === 1 ? 1 : -1);
    for (const record of await attack({ weights: wrongFor(1) })) {
      expect(record).toMatchObject(
        labels[record.datasetIndex] === 1
          ? { robust: false, brokenAtStep: 0, perturbationNorm: 0, perturbation: null, zeroGradientShare: 0 }
          : { robust: true, brokenAtStep: null, perturbationNorm: null, perturbation: null },
      );
    }
  });

  it('with a logit that is not a number counts as broken', async () => {
    const records = await attack({ weights: headOf(new Float32Array(D), NaN) });
    for (const record of records) expect(record).toMatchObject({ robust: false, brokenAtStep: 0 });
  });

  it('without a gradient to follow says so: the share of zero gradients is 1, and 0 with one', async () => {
    const constant = headOf(new Float32Array(D), 1);
    const records = await attack({ weights: constant, indices: INDICES.filter((i) => i % 2 === 0) });
    for (const record of records) expect(record).toMatchObject({ robust: true, zeroGradientShare: 1 });
    for (const record of await attack({ epsilon: 1e-3 })) expect(record.zeroGradientShare).toBe(0);
  });

  it('does not depend on who is attacked beside it, nor on the order', async () => {
    const epsilon = distances.toSorted((a, b) => a - b)[COUNT / 2];
    const all = await attack({ epsilon });
    const few = await attack({ epsilon, indices: Int32Array.of(17, 4, 9) });
    expect(few.map(({ datasetIndex }) => datasetIndex)).toEqual([17, 4, 9]);
    for (const record of few) {
      const { perturbation, perturbationNorm, ...verdict } = all[record.datasetIndex];
      expect(record).toMatchObject(verdict);
      // The batch's size may change the last bits of a convolution.
      if (perturbation === null) expect(record.perturbationNorm).toBe(perturbationNorm);
      else perturbation.forEach((v, i) => expect(Math.abs(record.perturbation![i] - v)).toBeLessThan(1e-4 * epsilon));
    }
  });
});

describe('the settings of PGD', () => {
  it('take relativeStep for a step, or 2.5 over the steps', () => {
    expect(relativeStepOf({ steps: 50 })).toBe(0.05);
    expect(relativeStepOf({ steps: 50, relativeStep: 0.3 })).toBe(0.3);
  });

  it('more epsilon, more steps of the same length, or more restarts never make an instance robust', async () => {
    const middle = distances.toSorted((a, b) => a - b)[COUNT / 2];
    // Starts far out and next to no step, or a start and two steps: what more restarts or steps add shows.
    const starts = { epsilon: 4 * middle, steps: 1, relativeStep: 1e-9 };
    const steps = { epsilon: middle, steps: 2, relativeStep: 0.2 };
    for (const [weak, stronger] of [
      [starts, { ...starts, restarts: 8 }],
      [steps, { ...steps, steps: 4 }],
    ]) {
      const [base, records] = [await attack(weak), await attack(stronger)];
      for (const { datasetIndex } of base.filter(({ robust }) => !robust)) {
        expect(records[datasetIndex].robust).toBe(false);
      }
      expect(shareRobust(records)).toBeLessThan(shareRobust(base));
    }
    const shares = [0.25, 0.5, 1, 2, 4].map(async (factor) => shareRobust(await attack({ epsilon: factor * middle })));
    const found = await Promise.all(shares);
    expect(found).toEqual(found.toSorted((a, b) => b - a));
    expect(found.at(-1)).toBe(0);
  });

  it('start at random inside the ball, by seed: zero steps break only by the start itself', async () => {
    const epsilon = Math.max(...distances) * 8;
    const [one, again, other] = [
      await attack({ epsilon, steps: 1, relativeStep: 1e-9 }),
      await attack({ epsilon, steps: 1, relativeStep: 1e-9 }),
      await attack({ epsilon, steps: 1, relativeStep: 1e-9, seed: 4 }),
    ];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    const norms = [...one, ...other].flatMap(({ perturbation }) =>
      perturbation === null ? [] : [Math.hypot(...perturbation) / epsilon],
    );
    expect(norms.length).toBeGreaterThan(0);
    // Uniform in the ball: the share of draws below u^(1/64) is u, so all are inside and the least of 50 is above 0.8.
    for (const norm of norms) {
      expect(norm).toBeLessThanOrEqual(1 + 1e-6);
      expect(norm).toBeGreaterThan(0.8);
    }
    const clean = await attack({ epsilon, steps: 1, relativeStep: 1e-9, randomStart: false });
    expect(clean.every(({ robust, brokenAtStep }) => robust || brokenAtStep === 0)).toBe(true);
  });
});

describe('PGD', () => {
  it('reports progress over all instances and leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    const head = freezeHead(weights);
    const done: [number, number][] = [];
    const indices = Int32Array.from({ length: 70 }, (_, i) => i % COUNT);
    await pgd(
      { extractor, head, set, indices, settings: SETTINGS, domain: 'target', seed: 3 },
      { ...QUIET, progress: (...counts) => done.push(counts), attacked: () => undefined },
    );
    disposeHead(head);
    expect(done.at(-1)).toEqual([70, 70]);
    expect(done).toEqual(done.toSorted(([a], [b]) => a - b));
    expect(done.every(([, total]) => total === 70)).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('stops within a step when told to, and leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    const head = freezeHead(weights);
    let steps = 0;
    const breathe = (): Promise<void> => (++steps === 3 ? Promise.reject(new Cancelled()) : Promise.resolve());
    const attacked = (records: readonly PgdRecord[]): void => {
      expect(records.every(({ brokenAtStep }) => brokenAtStep === 0)).toBe(true);
    };
    await expect(
      pgd(
        { extractor, head, set, indices: INDICES, settings: { ...SETTINGS, epsilon: 1e-3 }, domain: 'target', seed: 3 },
        { ...QUIET, breathe, attacked },
      ),
    ).rejects.toThrow(Cancelled);
    expect(steps).toBe(3);
    disposeHead(head);
    expect(tf.memory().numTensors).toBe(before);
  });
});
