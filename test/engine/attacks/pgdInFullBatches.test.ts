import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { PgdSettings } from '../../../src/shared/config.ts';
import type { PgdRecord } from '../../../src/shared/results.ts';
import { pgd } from '../../../src/main/engine/attacks/pgd.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { QUIET } from '../../../src/main/engine/context.ts';
import { disposeHead, freezeHead } from '../../../src/main/engine/models/head.ts';
import { disposeParameters } from '../../../src/main/engine/models/parameters.ts';
import { extract, freeze, initialExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import { imageTensor } from '../../../src/main/engine/imageSet.ts';
import { nativeBackend } from '../../../src/main/engine/ops/native.ts';
import { toySet } from '../toySet.ts';

const net = { blocks: [1, 1, 1], width: 1 } as const;
const CLASSES = 3;
const D = 64;
const set = toySet(150);
const settings: PgdSettings = { enabled: true, steps: 4, epsilon: 4, restarts: 2, randomStart: true };
const everyone = Int32Array.from({ length: set.count }, (_, i) => i);

/** Class means of the representations as the rows of a head: right on nearly all instances without any training. */
function nearestMean(extractor: ReturnType<typeof freeze>): ReturnType<typeof freezeHead> {
  const weight = new Float32Array(CLASSES * D);
  const bias = new Float32Array(CLASSES);
  tf.tidy(() => {
    const z = extract(extractor, imageTensor(set, everyone)).dataSync();
    const labels = set.labels(everyone);
    labels.forEach((label, i) => {
      for (let d = 0; d < D; d++) weight[label * D + d] += z[i * D + d] / (set.count / CLASSES);
    });
    for (let k = 0; k < CLASSES; k++) {
      for (let d = 0; d < D; d++) bias[k] -= weight[k * D + d] ** 2 / 2;
    }
  });
  return freezeHead({
    constraint: 'none',
    bound: 1,
    groupSize: 2,
    layers: [{ inputs: D, outputs: CLASSES, weight, bias }],
  });
}

async function attack(indices: Int32Array, change: Partial<PgdSettings> = {}): Promise<Map<number, PgdRecord>> {
  const extractor = freeze(net, initialExtractor(net, 1, 3));
  const head = nearestMean(extractor);
  const records = new Map<number, PgdRecord>();
  let graphs = 0;
  const inputs = {
    extractor,
    head,
    set,
    indices,
    settings: { ...settings, ...change },
    domain: 'target',
    seed: 3,
  } as const;
  await pgd(inputs, {
    ...QUIET,
    breathe: () => {
      graphs = nativeBackend()?.binding.getNumOfSavedModels() ?? 1;
      return Promise.resolve();
    },
    attacked: (made) => made.forEach((record) => records.set(record.datasetIndex, record)),
  });
  // One graph for every batch, and none afterwards.
  expect(graphs).toBe(1);
  expect(nativeBackend()?.binding.getNumOfSavedModels() ?? 0).toBe(0);
  disposeParameters(extractor.parameters);
  disposeHead(head);
  return records;
}

describe('pgd', () => {
  beforeAll(async () => {
    await openBackend();
  });

  it('attacks every instance, keeps perturbations in the ball, and breaks more than it leaves', async () => {
    const before = tf.memory().numTensors;
    const records = await attack(everyone);
    expect(tf.memory().numTensors).toBe(before);
    expect([...records.keys()].sort((a, b) => a - b)).toEqual([...everyone]);
    const perturbed = [...records.values()].filter(({ perturbation }) => perturbation !== null);
    expect(perturbed.length).toBeGreaterThan(set.count / 2);
    for (const { perturbationNorm, brokenAtStep, robust } of perturbed) {
      expect(robust).toBe(false);
      expect(brokenAtStep).toBeGreaterThanOrEqual(1);
      // Projected in float32, and summed over 64 values in float64.
      expect(perturbationNorm!).toBeLessThanOrEqual(settings.epsilon * (1 + 64 * 2 ** -24));
    }
  });

  it('finds the same for an instance whatever others are attacked with it', async () => {
    const all = await attack(everyone);
    const some = await attack(everyone.filter((i) => i % 7 === 3));
    for (const [index, record] of some) expect(record).toEqual(all.get(index));
  });

  it('counts an instance that is wrong without any perturbation as broken at step 0', async () => {
    const records = await attack(everyone, { epsilon: 1e-6, randomStart: false });
    const wrong = [...records.values()].filter(({ robust }) => !robust);
    for (const record of wrong)
      expect(record).toMatchObject({ brokenAtStep: 0, perturbationNorm: 0, perturbation: null });
    expect(wrong.length).toBeLessThan(set.count / 5);
  });

  it('never breaks an instance that more steps and restarts leave robust', async () => {
    const long = await attack(everyone, { epsilon: 2, restarts: 2 });
    const short = await attack(everyone, { epsilon: 2, restarts: 1 });
    for (const [index, { robust }] of long) if (robust) expect(short.get(index)!.robust).toBe(true);
  });
});
