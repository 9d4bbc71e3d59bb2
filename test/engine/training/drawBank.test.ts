import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DOMAINS, drawBankSchema, type DrawBank, type HeadSpec } from '../../../src/shared/config.ts';
import type { HeadWeights } from '../../../src/shared/results.ts';
import { representationCache } from '../../../src/main/data/representationCache.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { QUIET } from '../../../src/main/engine/context.ts';
import { disposeParameters } from '../../../src/main/engine/models/parameters.ts';
import { freeze, initialExtractor, type FrozenExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import { Passes } from '../../../src/main/engine/passes.ts';
import { drawKeys } from '../../../src/main/engine/smoothing/draws.ts';
import { bankKey } from '../../../src/main/engine/training/bankKey.ts';
import { compileNoisy, drawBank, type BankRequest } from '../../../src/main/engine/training/drawBank.ts';
import { drawsOfStep, firstDraws, type BankKeeping } from '../../../src/main/engine/training/headBanks.ts';
import type { TrainHeadsInputs } from '../../../src/main/engine/training/trainHeads.ts';
import { deriveKey } from '../../../src/main/math/philox.ts';
import { toySet } from '../toySet.ts';
import { train } from './trainedHeads.ts';
import { trainingOf } from './trainingOf.ts';

const NET = { blocks: [1, 1, 1], width: 1 } as const;
const [D, K] = [64, 3];
const PLAIN: HeadSpec = { layers: 1, constraint: 'none', bound: 1, groupSize: 2, temperature: 1 };
const banked = (bank: Partial<DrawBank> = {}, spec: Partial<HeadSpec> = {}): HeadSpec => ({
  ...PLAIN,
  ...spec,
  drawBank: drawBankSchema.parse({ draws: 4, ...bank }),
});
const SMOOTHING = { sigma: 0.4, draws: 60, alpha: 1e-2, selection: 'separate' } as const;
const IN_MEMORY: BankKeeping = { cache: null, memory: Infinity };
const training = toySet(30);
const validation = toySet(12, { seed: 2 });

let extractor: FrozenExtractor;
beforeAll(async () => {
  await openBackend();
  extractor = freeze(NET, initialExtractor(NET, 1, 3));
});
afterAll(() => disposeParameters(extractor.parameters));

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'ptw-bank-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const cacheOf = (limit = 2 ** 30) => representationCache({ folder, limit });

function inputsFor(specs: readonly HeadSpec[], change: Partial<TrainHeadsInputs> = {}): TrainHeadsInputs {
  return {
    domain: 'target',
    extractor,
    heads: specs.map((spec) => ({ shape: { spec, inputs: D, classes: K }, checkpoint: null })),
    training,
    validation,
    settings: trainingOf({ learningRate: 3e-3, batchSize: 15, maxEpochs: 3, validationEvery: 1 }),
    seed: 5,
    smoothing: SMOOTHING,
    keeping: IN_MEMORY,
    ...change,
  };
}

const weightsOf = async (inputs: TrainHeadsInputs) => (await train(inputs)).map(({ weights }) => weights);

const requestOf = (change: Partial<BankRequest> = {}): BankRequest => ({
  extractor,
  set: training,
  seed: 5,
  domain: 'target',
  part: 'training',
  draws: 3,
  sigma: 0.4,
  precision: 'float32',
  ...IN_MEMORY,
  ...change,
});
const EVERY = firstDraws(30);

describe('keys', () => {
  it('are apart from those of every certification draw, of boxes and of each other', () => {
    const of = (key: readonly [number, number]): string => key.join(' ');
    const seeds = [0, 1, 5];
    const own = seeds.flatMap((seed) =>
      DOMAINS.flatMap((domain) =>
        (['training', 'validation', 'search-selection', 'search-estimation'] as const).flatMap((part) =>
          Array.from({ length: 600 }, (_, draw) => of(bankKey({ seed, domain, part }, draw))),
        ),
      ),
    );
    const others = seeds.flatMap((seed) =>
      DOMAINS.flatMap((domain) =>
        Array.from({ length: 2000 }, (_, index) => [
          ...Object.values(drawKeys(seed, domain, index)).map(of),
          of(deriveKey(seed, 'box-training', domain, index)),
          of(deriveKey(seed, 'noise-attack', domain, index)),
        ]).flat(),
      ),
    );
    expect(new Set(own).size).toBe(own.length);
    const taken = new Set(others);
    expect(own.filter((key) => taken.has(key))).toEqual([]);
  });
});

describe('a bank', () => {
  it('holds the draws that its keys give, whatever rows are computed together', async () => {
    const bank = await drawBank(requestOf(), QUIET);
    const model = compileNoisy(requestOf());
    const passes = new Passes({ rows: 7, of: 'draws', release: () => model.dispose() }, QUIET);
    for (const draw of [2, 0]) {
      const key = bankKey(requestOf(), draw);
      const afresh = await model.representations({ set: training, indices: EVERY, key, passes });
      expect(bank.rows(EVERY, Int32Array.of(draw))).toEqual(afresh);
    }
    model.dispose();
  });

  it('gives rows of an image as neighbours, one by one as together', async () => {
    const bank = await drawBank(requestOf(), QUIET);
    const draws = Int32Array.of(2, 0);
    const together = bank.rows(Int32Array.of(29, 3), draws);
    expect(together.length).toBe(4 * D);
    [29, 3].forEach((image, i) =>
      draws.forEach((draw, j) => {
        const row = bank.rows(Int32Array.of(image), Int32Array.of(draw));
        expect(together.subarray((2 * i + j) * D, (2 * i + j + 1) * D)).toEqual(row);
      }),
    );
  });

  it('of m draws is the beginning of one of more, and another for another σ, part or seed', async () => {
    const first = (await drawBank(requestOf(), QUIET)).rows(EVERY, Int32Array.of(1));
    const of = async (change: Partial<BankRequest>) =>
      (await drawBank(requestOf(change), QUIET)).rows(EVERY, Int32Array.of(1));
    expect(await of({ draws: 5 })).toEqual(first);
    for (const change of [{ sigma: 0.41 }, { part: 'validation' }, { seed: 6 }, { domain: 'source' }] as const) {
      expect(await of(change), JSON.stringify(change)).not.toEqual(first);
    }
  });

  it('in half precision is the bank rounded to float16, from the cache too', async () => {
    const exact = (await drawBank(requestOf(), QUIET)).rows(EVERY, firstDraws(3));
    const rounded = Float32Array.from(Float16Array.from(exact));
    for (const keeping of [IN_MEMORY, { cache: cacheOf(), memory: Infinity }, { cache: cacheOf(), memory: 0 }]) {
      const half = await drawBank(requestOf({ precision: 'float16', ...keeping }), QUIET);
      expect(half.rows(EVERY, firstDraws(3))).toEqual(rounded);
      half.dispose();
    }
  });
});

describe('a head is the same, bit for bit,', () => {
  const specs = [banked(), banked({ objective: 'macer' }, { layers: 4, temperature: 3 })];
  let expected: (HeadWeights | null)[];
  beforeAll(async () => {
    expected = await weightsOf(inputsFor(specs));
  });

  it('whether its draws are kept in memory, streamed, or from a cache that was there before', async () => {
    const streamed = { cache: null, memory: 0 };
    expect(await weightsOf(inputsFor(specs, { keeping: streamed }))).toEqual(expected);
    const cache = cacheOf();
    expect(await weightsOf(inputsFor(specs, { keeping: { cache, memory: 0 } }))).toEqual(expected);
    // Four training and four validation draws, which now answer in place of the extractor.
    expect(readdirSync(folder).length).toBe(8);
    expect(await weightsOf(inputsFor(specs, { keeping: { cache, memory: Infinity } }))).toEqual(expected);
  });

  it('when the cache has room for half of the bank', async () => {
    const cache = cacheOf(4 * (30 * D * 4 + 32));
    const again = [await weightsOf(inputsFor(specs, { keeping: { cache, memory: 0 } }))];
    again.push(await weightsOf(inputsFor(specs, { keeping: { cache, memory: 0 } })));
    for (const weights of again) expect(weights).toEqual(expected);
  });

  it('trained alone, and beside heads that the procedure trains', async () => {
    const settings = trainingOf({
      procedure: 'noise',
      learningRate: 3e-3,
      batchSize: 15,
      maxEpochs: 3,
      validationEvery: 1,
    });
    const [beside] = await weightsOf(inputsFor([specs[0], PLAIN, banked({ draws: 9 })], { settings }));
    expect(beside).toEqual(expected[0]);
    expect(await weightsOf(inputsFor([specs[1]]))).toEqual([expected[1]]);
  });

  it('gone on with after its first epoch', async () => {
    const once = await train(inputsFor(specs));
    const heads = specs.map((spec, i) => ({
      shape: { spec, inputs: D, classes: K },
      checkpoint: once[i].checkpoints[0],
    }));
    expect(await weightsOf(inputsFor(specs, { heads }))).toEqual(expected);
  });
});

it('a step takes as many different draws as asked for, in another choice from step to step', () => {
  const of = (step: number) =>
    drawsOfStep({ draws: 16, drawsPerStep: 2 }, { seed: 1, domain: 'target' }, { epoch: 1, step });
  const chosen = Array.from({ length: 50 }, (_, step) => [...of(step)]);
  for (const [a, b] of chosen) expect(a).not.toBe(b);
  expect(new Set(chosen.flat()).size).toBe(16);
  expect([...drawsOfStep({ draws: 3, drawsPerStep: 3 }, { seed: 1, domain: 'target' }, { epoch: 1, step: 0 })]).toEqual(
    [0, 1, 2],
  );
});

describe('composes', () => {
  const box = { weight: 0.5, radius: 0, rampEpochs: 1, instances: 4 };

  it('with box training, under every constraint, objective and depth', async () => {
    const objectives = ['cross-entropy', 'consistency', 'macer'] as const;
    const specs = (['none', 'wn', 'wn-l1', 'spectral', 'bjorck'] as const).map((constraint, i) =>
      banked(
        { objective: objectives[i % 3] },
        { constraint, layers: i % 2 === 0 ? 4 : 1, temperature: 10, boxTraining: box },
      ),
    );
    for (const { reports } of await train(inputsFor(specs))) {
      expect(reports.every(({ trainingLoss }) => Number.isFinite(trainingLoss))).toBe(true);
      expect(reports.every(({ validation: measured }) => Number.isFinite(measured!.loss))).toBe(true);
    }
  });

  it('and leaves no tensor behind', async () => {
    const { numTensors } = tf.memory();
    const settings = trainingOf({ procedure: 'gaussian', batchSize: 15, maxEpochs: 2, validationEvery: 1 });
    await train(inputsFor([PLAIN, banked({ objective: 'macer' }, { boxTraining: box })], { settings }));
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('box training changes the head, and its boxes are around the mean of the kept draws', async () => {
    const [without, boxed, single] = await weightsOf(
      inputsFor([banked(), banked({}, { boxTraining: box }), banked({ draws: 2 }, { boxTraining: box })]),
    );
    expect(boxed).not.toEqual(without);
    // The two draws of a step are the same where there are two; only the centre of the boxes differs with m.
    expect(single).not.toEqual(boxed);
  });

  it('learns what noisy inputs have in common: a loss below that of the first epoch', async () => {
    const settings = trainingOf({ learningRate: 1e-2, batchSize: 10, maxEpochs: 20, validationEvery: 1, patience: 20 });
    for (const objective of ['cross-entropy', 'consistency', 'macer'] as const) {
      const [{ reports }] = await train(inputsFor([banked({ objective })], { settings }));
      expect(reports.at(-1)!.trainingLoss, objective).toBeLessThan(0.8 * reports[0].trainingLoss);
    }
  });
});
