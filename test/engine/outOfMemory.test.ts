import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeadWeights, PgdRecord, PredictionRecord } from '../../src/shared/results.ts';
import { adversarialSearch } from '../../src/main/engine/attacks/adversarialSearch.ts';
import { noiseAttack } from '../../src/main/engine/attacks/noiseAttack.ts';
import { pgd } from '../../src/main/engine/attacks/pgd.ts';
import { predict } from '../../src/main/engine/attacks/predict.ts';
import { openBackend } from '../../src/main/engine/backends/openBackend.ts';
import { compile } from '../../src/main/engine/compile/compile.ts';
import { QUIET, type StageContext } from '../../src/main/engine/context.ts';
import { everyIndex } from '../../src/main/engine/imageSet.ts';
import { disposeHead, freezeHead } from '../../src/main/engine/models/head.ts';
import { disposeParameters } from '../../src/main/engine/models/parameters.ts';
import { extract, freeze, initialExtractor, type FrozenExtractor } from '../../src/main/engine/models/wideResNet.ts';
import { nativeBackend } from '../../src/main/engine/ops/native.ts';
import type { EffectiveTraining, UnattackedTraining } from '../../src/main/engine/training/effectiveTraining.ts';
import { trainExtractor, type EpochReport } from '../../src/main/engine/training/trainExtractor.ts';
import { trainHeads } from '../../src/main/engine/training/trainHeads.ts';
import { randomHead } from '../math/heads.ts';
import { OP_MESSAGE, withMemoryFor } from './memoryLimit.ts';
import { certifyToy } from './smoothing/toyCertification.ts';
import { toySet } from './toySet.ts';

const NET = { blocks: [1, 1, 1], width: 1 } as const;
const [D, K] = [64, 3];
/** Of the largest feature map: 8×8 pixels, 16 channels, float32. */
const BYTES_PER_ROW = 8 * 8 * 16 * 4;
/** Passes of 100, 128 and 64 come down to 25, 32 and 32. */
const ENOUGH = 40;

let extractor: FrozenExtractor;
let heads: Record<'flat' | 'deep', HeadWeights>;
beforeAll(async () => {
  await openBackend();
  extractor = freeze(NET, initialExtractor(NET, 1, 2));
  heads = {
    flat: randomHead({ sizes: [D, K], constraint: 'wn-l1', name: 'flat' }),
    deep: randomHead({ sizes: [D, 8, 8, 8, K], constraint: 'wn', name: 'deep' }),
  };
  // Weights go to the device when they are first used: before tensors are counted.
  tf.tidy(() => extract(extractor, tf.zeros([1, 8, 8, 1])));
});
afterAll(() => disposeParameters(extractor.parameters));

type Job = (context: StageContext) => Promise<unknown>;

/** Every tensor, those that only TensorFlow's binding knows of too. */
const tensors = (): number[] => [tf.memory().numTensors, nativeBackend()?.binding.getNumOfTensors() ?? 0];

/** What a job gives, and its notices, when it has memory for so many rows. */
async function runWith(job: Job, rows: number): Promise<{ result: unknown; notices: string[] }> {
  const notices: string[] = [];
  const before = tensors();
  const result = await withMemoryFor(rows, BYTES_PER_ROW, () =>
    job({ ...QUIET, notice: (text) => notices.push(text.replace(/ \(.*/, '')) }),
  );
  expect(tensors()).toEqual(before);
  return { result, notices };
}

const set = toySet(150);
const settings: UnattackedTraining = {
  procedure: 'noise',
  epsilon: 0.1,
  learningRate: 1e-2,
  batchSize: 50,
  maxEpochs: 2,
  validationEvery: 1,
  patience: 10,
};

const certify: Job = (context) =>
  certifyToy({
    extractor,
    heads,
    instances: [4, 11, 7].map((datasetIndex) => ({ datasetIndex, heads: ['flat', 'deep'] })),
    context,
  });

const predictAll: Job = async (context) => {
  const frozen = Object.values(heads).map(freezeHead);
  const found: PredictionRecord[][] = [[], []];
  const predicted = (head: number, records: readonly PredictionRecord[]): void => void found[head].push(...records);
  await predict({ extractor, heads: frozen, set, indices: everyIndex(set) }, { ...context, predicted });
  frozen.forEach(disposeHead);
  return found;
};

const attackAll: Job = async (context) => {
  const head = freezeHead(heads.deep);
  const found: PgdRecord[] = [];
  const attack = { enabled: true, steps: 4, epsilon: 0.5, restarts: 2, randomStart: true };
  await pgd(
    { extractor, head, set, indices: everyIndex(set), settings: attack, domain: 'target', seed: 3 },
    { ...context, attacked: (records) => found.push(...records) },
  );
  disposeHead(head);
  return found;
};

const drawNoise: Job = async (context) => {
  const frozen = { flat: freezeHead(heads.flat), deep: freezeHead(heads.deep) };
  const found: unknown[] = [];
  const instances = [4, 11, 7].map((datasetIndex) => ({ datasetIndex, heads: ['flat', 'deep'] }));
  const attack = { epsilon: 3, draws: 200, shape: 'ball' } as const;
  await noiseAttack(
    { extractor, heads: frozen, set, instances, settings: attack, domain: 'target', seed: 3 },
    { ...context, attacked: (head, record) => found.push([head, record]) },
  );
  Object.values(frozen).forEach(disposeHead);
  return found;
};

const searchAll: Job = async (context) => {
  const found: unknown[] = [];
  const search = { enabled: true, inputSearch: true, steps: 3, learningRate: 0.05, regulariser: 0.1 };
  await adversarialSearch(
    { extractor, weights: heads.flat, set, indices: everyIndex(set), settings: search },
    { ...context, searched: (records) => found.push(...records) },
  );
  return found;
};

const headsTrainedBy =
  (trained: EffectiveTraining): Job =>
  async (context) => {
    const found: unknown[] = [];
    const spec = { layers: 1, constraint: 'none', bound: 1, groupSize: 2, temperature: 1 } as const;
    await trainHeads(
      {
        domain: 'target',
        extractor,
        heads: [{ shape: { spec, inputs: D, classes: K }, checkpoint: null }],
        training: set,
        validation: toySet(50, { seed: 2 }),
        settings: trained,
        seed: 5,
      },
      {
        ...context,
        epoch: (_, { trainingLoss, validation }) => found.push({ trainingLoss, validation }),
        finished: (_, weights) => found.push(weights),
      },
    );
    return found;
  };

function extractorTrained(batchSize: number, validation = toySet(150, { seed: 2 })): Job {
  return async (context) => {
    const found: Partial<EpochReport>[] = [];
    await trainExtractor(
      {
        net: NET,
        head: {
          spec: { layers: 1, constraint: 'none', bound: 1, groupSize: 2, temperature: 1 },
          inputs: D,
          classes: K,
        },
        training: set,
        validation,
        settings: { ...settings, batchSize },
        seed: 5,
        checkpoint: null,
      },
      { ...context, epoch: ({ trainingLoss, validation: found_ }) => found.push({ trainingLoss, validation: found_ }) },
    );
    return found;
  };
}

const halved = (of: string, sizes: readonly number[]): string[] =>
  sizes.slice(1).map((next, i) => `${of}: memory ran out in a pass of ${sizes[i]} rows, going on with ${next}`);

describe('a job with too little memory for its passes halves them, says so, and gives the same', () => {
  // The convolutions of both backends round alike whatever the batch (docs/decisions/0012-memory.md).
  it.each<[string, Job, string[]]>([
    ['certification', certify, halved('noise draws', [100, 50, 25])],
    ['prediction', predictAll, halved('predictions', [128, 64, 32])],
    ['PGD', attackAll, halved('PGD steps', [16, 8])],
    ['the noise attack', drawNoise, halved('noise attack', [128, 64, 32])],
    [
      'the input search',
      searchAll,
      [...halved('representations', [128, 64, 32, 16, 8]), ...halved('input search steps', [16, 8])],
    ],
    [
      'heads on clean images',
      headsTrainedBy({ ...settings, procedure: 'normal' }),
      halved('representations', [128, 64, 32]),
    ],
    [
      'heads on noisy images',
      headsTrainedBy(settings),
      [...halved('representations', [128, 64, 32]), ...halved('representations', [50, 25])],
    ],
    [
      'heads under attack',
      headsTrainedBy({
        ...settings,
        batchSize: 64,
        procedure: 'adv-s',
        attackSteps: 2,
        relativeStep: 1.25,
        noiseDraws: 2,
        sigma: 0.2,
      }),
      [...halved('representations', [128, 64, 32]), ...halved('representations under attack', [64, 32, 16])],
    ],
    ['the validation of an extractor', extractorTrained(10), halved('validation', [128, 64, 32])],
  ])('%s', async (_, job, expected) => {
    // A quarter as much for passes that are small from the start.
    const { result, notices } = await runWith(job, job === attackAll || job === searchAll ? ENOUGH / 4 : ENOUGH);
    // A way back needs more than a way there on wasm: PGD goes on halving.
    expect(notices.slice(0, expected.length)).toEqual(expected);
    const { result: undisturbed, notices: none } = await runWith(job, Infinity);
    expect(none).toEqual([]);
    expect(result).toEqual(undisturbed);
  });
});

describe('a training step that does not fit', () => {
  it('ends the job, naming the batch size to lower, and leaves no tensor behind', async () => {
    const before = tensors();
    await expect(runWith(extractorTrained(50), ENOUGH)).rejects.toThrow(
      /^training: memory ran out in a step with training\.source\.batchSize 50; .*resume.* lower it and run again/,
    );
    expect(tensors()).toEqual(before);
  });
});

describe('a job that memory does not suffice for at all', () => {
  it('ends with what to do, and leaves no tensor behind', async () => {
    const before = tensors();
    // Room for the head, not for a feature map.
    await expect(runWith(certify, 3 / 4)).rejects.toThrow(/^noise draws: memory ran out in a pass of 1 row/);
    expect(tensors()).toEqual(before);
  });
});

describe('a graph', () => {
  it('that cannot be made for want of memory is an error, leaves nothing behind, and is made when there is enough', async () => {
    const step = compile(({ x }: { x: tf.Tensor }) => ({ y: tf.sum(tf.tile(x, [1, 8, 8, 16])) }));
    const x = tf.ones([50, 1, 1, 1]);
    tf.tidy(() => tf.neg(x));
    const before = tensors();
    await expect(
      withMemoryFor(ENOUGH, BYTES_PER_ROW, () => Promise.resolve().then(() => step.run({ x }))),
    ).rejects.toThrow(/memory ran out|OOM when allocating/);
    expect(tensors()).toEqual(before);
    const { y } = step.run({ x });
    expect(y.dataSync()[0]).toBe(50 * 8 * 8 * 16);
    expect(step.status().mode).toBe(nativeBackend() === null ? 'eager' : 'compiled');
    step.dispose();
    tf.dispose([x, y]);
  });

  it('of a gradient that memory runs out for on the way back leaves nothing behind of the way there', () => {
    const failing = tf.customGrad((x) => ({
      value: tf.clone(x as tf.Tensor),
      gradFunc: () => {
        throw new Error(OP_MESSAGE);
      },
    }));
    const step = compile(({ x }: { x: tf.Tensor }) => ({
      gradient: tf.grad((given: tf.Tensor) => tf.sum(failing(tf.square(tf.exp(given)))))(x),
    }));
    const x = tf.ones([3]);
    tf.tidy(() => tf.neg(x));
    const before = tensors();
    expect(() => step.run({ x })).toThrow(OP_MESSAGE);
    expect(tensors()).toEqual(before);
    x.dispose();
  });
});
