import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeadSpec } from '../../../src/shared/config.ts';
import type { HeadWeights } from '../../../src/shared/results.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { Cancelled, QUIET, type StageContext } from '../../../src/main/engine/context.ts';
import { isNormConstraint } from '../../../src/main/engine/models/normConstraints.ts';
import { withoutPrefix, withPrefix } from '../../../src/main/engine/models/arrays.ts';
import { initialHead } from '../../../src/main/engine/models/head.ts';
import { disposeParameters } from '../../../src/main/engine/models/parameters.ts';
import { freeze, initialExtractor, type FrozenExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import type { Checkpoint } from '../../../src/main/engine/training/checkpoint.ts';
import type { UnattackedTraining } from '../../../src/main/engine/training/effectiveTraining.ts';
import { trainExtractor } from '../../../src/main/engine/training/trainExtractor.ts';
import { trainHeads } from '../../../src/main/engine/training/trainHeads.ts';
import { nativeBackend } from '../../../src/main/engine/ops/native.ts';
import { spectralNormUpper } from '../../../src/main/math/spectralNorm.ts';
import { toySet } from '../toySet.ts';
import { expectWithin, NORMS } from './constraintKept.ts';

const NET = { blocks: [1, 1, 1], width: 1 } as const;
const D = 64;
const spec = (layers: 1 | 4, constraint: HeadSpec['constraint'], temperature = 1): HeadSpec => ({
  layers,
  constraint,
  bound: 1,
  groupSize: 2,
  temperature,
});
const settings = (change: Partial<UnattackedTraining> = {}): UnattackedTraining => ({
  procedure: 'noise',
  epsilon: 0.1,
  learningRate: 1e-2,
  batchSize: 16,
  maxEpochs: 4,
  validationEvery: 2,
  patience: 10,
  ...change,
});
const training = toySet(48);
const validation = toySet(24, { seed: 2 });

beforeAll(async () => {
  await openBackend();
});

/** Graphs in TensorFlow's memory. */
const loadedGraphs = (): number => nativeBackend()?.binding.getNumOfSavedModels() ?? 0;

/** A context that notes the most graphs that it saw between steps. */
function graphCounter(): StageContext & { most: number } {
  const counter = {
    ...QUIET,
    most: 0,
    breathe: () => {
      counter.most = Math.max(counter.most, loadedGraphs());
      return Promise.resolve();
    },
  };
  return counter;
}

/** Told to stop at the so-many-th breath. */
function stopAt(last: number): StageContext['breathe'] {
  let breaths = 0;
  return () => (++breaths === last ? Promise.reject(new Cancelled()) : Promise.resolve());
}

async function extractorRun(
  checkpoint: Checkpoint | null,
  change: Partial<UnattackedTraining> = {},
  { head = spec(1, 'none'), ...context }: Partial<StageContext> & { readonly head?: HeadSpec } = {},
) {
  const checkpoints: Checkpoint[] = [];
  const losses: number[] = [];
  const result = await trainExtractor(
    {
      net: NET,
      head: { spec: head, inputs: D, classes: 3 },
      training,
      validation,
      settings: settings(change),
      seed: 5,
      checkpoint,
    },
    {
      ...QUIET,
      ...context,
      epoch: (report, made) => {
        losses.push(report.trainingLoss);
        checkpoints.push(made);
      },
    },
  );
  return { result, checkpoints, losses };
}

describe('the extractor', () => {
  it('learns: the training loss falls by half', async () => {
    const { losses } = await extractorRun(null, { maxEpochs: 6 });
    expect(losses.at(-1)!).toBeLessThan(losses[0] / 2);
  });

  it('trained twice, or on from any checkpoint, is the same bit for bit', async () => {
    const once = await extractorRun(null);
    const twice = await extractorRun(null);
    expect(twice.result).toEqual(once.result);
    for (const epoch of [1, 2, 3, 4]) {
      const resumed = await extractorRun(once.checkpoints[epoch - 1]);
      expect(resumed.losses).toEqual(once.losses.slice(epoch));
      expect(resumed.result).toEqual(once.result);
    }
  });

  it.each([spec(4, 'spectral', 30), spec(4, 'bjorck', 10)])(
    'under a head that is $constraint keeps to it, and is trained on from a checkpoint bit for bit',
    async (head) => {
      const change = { maxEpochs: 2, validationEvery: 1 };
      const once = await extractorRun(null, change, { head });
      const resumed = await extractorRun(once.checkpoints[0], change, { head });
      expect(resumed.result).toEqual(once.result);
      for (const { inputs, outputs, weight } of once.result.head.layers) {
        expect(spectralNormUpper({ rows: outputs, columns: inputs, values: weight })).toBeLessThanOrEqual(1);
      }
      const { arrays } = once.checkpoints[0];
      const iterates = Object.keys(arrays).filter((name) => name.endsWith('iterate'));
      const carried = head.constraint === 'spectral' ? 4 : 0;
      // Of the parameters and of the best ones: no moments.
      expect(iterates).toHaveLength(2 * carried);
    },
  );

  it('runs in graphs, one a batch size and one to validate, and leaves no tensor and no graph behind', async () => {
    const before = tf.memory().numTensors;
    const counted = graphCounter();
    await extractorRun(null, { maxEpochs: 2, batchSize: 20 }, counted);
    expect(counted.most).toBe(nativeBackend() !== null ? 2 : 0);
    expect(loadedGraphs()).toBe(0);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaves no tensor behind, told to stop or not', async () => {
    const before = tf.memory().numTensors;
    await extractorRun(null, { maxEpochs: 1 });
    await expect(extractorRun(null, {}, { breathe: stopAt(5) })).rejects.toThrow(Cancelled);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('heads on a frozen extractor', () => {
  let extractor: FrozenExtractor;
  beforeAll(() => {
    extractor = freeze(NET, initialExtractor(NET, 1, 3));
  });
  afterAll(() => disposeParameters(extractor.parameters));

  const SPECS = [
    spec(1, 'none'),
    spec(1, 'wn'),
    spec(1, 'wn-l1', 30),
    spec(4, 'none'),
    spec(4, 'wn'),
    spec(4, 'wn-l1', 30),
    spec(1, 'spectral', 10),
    spec(4, 'spectral', 30),
    spec(1, 'bjorck', 10),
    spec(4, 'bjorck', 10),
  ];
  const BOUNDED_NORM = SPECS.filter(({ constraint }) => isNormConstraint(constraint));

  interface HeadRun {
    readonly checkpoints?: readonly Checkpoint[];
    readonly context?: Partial<StageContext>;
  }

  async function headRun(specs: readonly HeadSpec[], change: Partial<UnattackedTraining> = {}, run: HeadRun = {}) {
    const weights: HeadWeights[] = [];
    const losses: number[][] = specs.map(() => []);
    const checkpoints: Checkpoint[][] = specs.map(() => []);
    await trainHeads(
      {
        domain: 'target',
        extractor,
        heads: specs.map((one, i) => ({
          shape: { spec: one, inputs: D, classes: 3 },
          checkpoint: run.checkpoints?.[i] ?? null,
        })),
        training,
        validation,
        settings: settings(change),
        seed: 5,
      },
      {
        ...QUIET,
        ...run.context,
        epoch: (head, report, checkpoint) => {
          losses[head].push(report.trainingLoss);
          checkpoints[head].push(checkpoint);
        },
        finished: (head, trained) => {
          weights[head] = trained;
        },
      },
    );
    return { weights, losses, checkpoints };
  }

  it('each learns, and keeps its constraint', async () => {
    const { weights, losses } = await headRun(SPECS, { maxEpochs: 12, learningRate: 3e-2 });
    SPECS.forEach((one, i) => {
      expect(losses[i].at(-1)!, `${one.layers} ${one.constraint}`).toBeLessThan(losses[i][0]);
      for (const { inputs, outputs, weight } of weights[i].layers) {
        const norm = NORMS[one.constraint]({ rows: outputs, columns: inputs, values: weight });
        // Rows are computed in float32: relative rounding of a sum of `inputs` terms. A finished head holds its norm exactly.
        const slack = isNormConstraint(one.constraint) ? 0 : inputs * 2 ** -23;
        expect(norm, `${one.layers} ${one.constraint}`).toBeLessThanOrEqual(1 + slack);
      }
    });
  });

  it('each keeps its constraint after every update', async () => {
    // One step an epoch, so that each update leaves a checkpoint.
    const change = { batchSize: training.count, maxEpochs: 12, learningRate: 3e-3, procedure: 'normal' } as const;
    const { checkpoints } = await headRun(SPECS, change);
    SPECS.forEach((one, head) => {
      let before = withPrefix(initialHead({ spec: one, inputs: D, classes: 3 }, 5), 'parameters.');
      checkpoints[head].forEach(({ arrays }, update) => {
        for (let layer = 1; layer <= one.layers; layer++) {
          const prefix = `parameters.layer${layer}.`;
          const name = `${one.layers} ${one.constraint}, update ${update + 1}, layer ${layer}`;
          expectWithin(one.constraint, withoutPrefix(arrays, prefix), { before: withoutPrefix(before, prefix), name });
        }
        before = arrays;
      });
    });
  });

  it('carries the iterate of power iteration from update to update without training it', async () => {
    const { checkpoints } = await headRun([spec(4, 'spectral', 10)], { maxEpochs: 2 });
    const [first, second] = checkpoints[0].map(({ arrays }) => arrays);
    const iterates = Object.keys(first).filter((name) => name.endsWith('iterate'));
    expect(iterates).toEqual([1, 2, 3, 4].map((layer) => `parameters.layer${layer}.iterate`));
    for (const name of iterates) {
      expect(second[name].data).not.toEqual(first[name].data);
      expect(Math.hypot(...second[name].data)).toBeCloseTo(1, 5);
    }
  });

  it('a head trained in company is bit for bit the head trained alone', async () => {
    const together = await headRun(SPECS);
    for (const i of [4, 7, 9]) {
      const alone = await headRun([SPECS[i]]);
      expect(alone.weights[0]).toEqual(together.weights[i]);
    }
  });

  it.each(['normal', 'noise'] as const)(
    '%s runs in graphs and leaves no tensor and no graph behind',
    async (procedure) => {
      const before = tf.memory().numTensors;
      const counted = graphCounter();
      const specs = [SPECS[0], SPECS[4], ...BOUNDED_NORM];
      await headRun(specs, { procedure, maxEpochs: 1 }, { context: counted });
      // One for clean representations, one for each head, and one for perturbed representations where there are any.
      expect(counted.most).toBe(nativeBackend() !== null ? specs.length + (procedure === 'normal' ? 1 : 2) : 0);
      expect(loadedGraphs()).toBe(0);
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it.each([
    ['none and wn', SPECS.slice(0, 2)],
    ['spectral and bjorck', [SPECS[7], SPECS[9]]],
  ])(
    'trained on from the checkpoint of any epoch, the last one too, are the heads trained in one go: %s',
    async (_, specs) => {
      const change = { validationEvery: 1, maxEpochs: 3 };
      const once = await headRun(specs, change);
      for (const epoch of [1, 2, 3]) {
        const checkpoints = once.checkpoints.map((made) => made[epoch - 1]);
        const resumed = await headRun(specs, change, { checkpoints });
        expect(resumed.losses).toEqual(once.losses.map((losses) => losses.slice(epoch)));
        expect(resumed.weights).toEqual(once.weights);
      }
      // Heads that were stopped at different epochs go on together.
      const apart = await headRun(specs, change, { checkpoints: [once.checkpoints[0][2], once.checkpoints[1][0]] });
      expect(apart.losses).toEqual([[], once.losses[1].slice(1)]);
      expect(apart.weights).toEqual(once.weights);
    },
  );

  it.each([1, 2, 3, 5, 8])('told to stop at breath %i leave no tensor behind', async (last) => {
    const before = tf.memory().numTensors;
    await expect(
      headRun(SPECS.slice(0, 2), { procedure: 'normal' }, { context: { breathe: stopAt(last) } }),
    ).rejects.toThrow(Cancelled);
    expect(tf.memory().numTensors).toBe(before);
  });
});
