import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { HeadSpec, TrainingSettings } from '../../../src/shared/config.ts';
import type { HeadWeights } from '../../../src/shared/results.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { QUIET, type StageContext } from '../../../src/main/engine/context.ts';
import { disposeParameters } from '../../../src/main/engine/models/parameters.ts';
import { freeze, initialExtractor, type FrozenExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import type { Checkpoint } from '../../../src/main/engine/training/checkpoint.ts';
import { trainExtractor } from '../../../src/main/engine/training/trainExtractor.ts';
import { trainHeads } from '../../../src/main/engine/training/trainHeads.ts';
import { nativeBackend } from '../../../src/main/engine/ops/native.ts';
import { toySet } from '../toySet.ts';

const NET = { blocks: [1, 1, 1], width: 1 } as const;
const D = 64;
const spec = (layers: 1 | 4, constraint: HeadSpec['constraint'], temperature = 1): HeadSpec => ({
  layers,
  constraint,
  bound: 1,
  groupSize: 2,
  temperature,
});
const settings = (change: Partial<TrainingSettings> = {}): TrainingSettings => ({
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

async function extractorRun(
  checkpoint: Checkpoint | null,
  change: Partial<TrainingSettings> = {},
  context: StageContext = QUIET,
) {
  const checkpoints: Checkpoint[] = [];
  const losses: number[] = [];
  const result = await trainExtractor(
    {
      net: NET,
      head: { spec: spec(1, 'none'), inputs: D, classes: 3 },
      training,
      validation,
      settings: settings(change),
      seed: 5,
      checkpoint,
    },
    {
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
    for (const epoch of [1, 2, 3]) {
      const resumed = await extractorRun(once.checkpoints[epoch - 1]);
      expect(resumed.losses).toEqual(once.losses.slice(epoch));
      expect(resumed.result).toEqual(once.result);
    }
  });

  it('runs in graphs, one a batch size and one to validate, and leaves no tensor and no graph behind', async () => {
    const before = tf.memory().numTensors;
    const counted = graphCounter();
    await extractorRun(null, { maxEpochs: 2, batchSize: 20 }, counted);
    expect(counted.most).toBe(nativeBackend() !== null ? 2 : 0);
    expect(loadedGraphs()).toBe(0);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('heads on a frozen extractor', () => {
  const SPECS = [
    spec(1, 'none'),
    spec(1, 'wn'),
    spec(1, 'wn-l1', 30),
    spec(4, 'none'),
    spec(4, 'wn'),
    spec(4, 'wn-l1', 30),
  ];

  async function headRun(
    specs: readonly HeadSpec[],
    change: Partial<TrainingSettings> = {},
    context: StageContext = QUIET,
  ) {
    const extractor: FrozenExtractor = freeze(NET, initialExtractor(NET, 1, 3));
    const weights: HeadWeights[] = [];
    const losses: number[][] = specs.map(() => []);
    await trainHeads(
      {
        domain: 'target',
        extractor,
        heads: specs.map((one) => ({ shape: { spec: one, inputs: D, classes: 3 }, checkpoint: null })),
        training,
        validation,
        settings: settings(change),
        seed: 5,
      },
      {
        ...context,
        epoch: (head, report) => {
          losses[head].push(report.trainingLoss);
        },
        finished: (head, trained) => {
          weights[head] = trained;
        },
      },
    );
    disposeParameters(extractor.parameters);
    return { weights, losses };
  }

  it('each learns, and keeps its constraint', async () => {
    const { weights, losses } = await headRun(SPECS, { maxEpochs: 12, learningRate: 3e-2 });
    SPECS.forEach((one, i) => {
      expect(losses[i].at(-1)!, `${one.layers} ${one.constraint}`).toBeLessThan(losses[i][0]);
      if (one.constraint === 'none') return;
      for (const { inputs, weight } of weights[i].layers) {
        for (let start = 0; start < weight.length; start += inputs) {
          const row = Float64Array.from(weight.subarray(start, start + inputs));
          const norm =
            one.constraint === 'wn' ? Math.hypot(...row) : row.reduce((sum, value) => sum + Math.abs(value), 0);
          // Rows are computed in float32: relative rounding of a sum of `inputs` terms.
          expect(norm).toBeLessThanOrEqual(1 + inputs * 2 ** -23);
        }
      }
    });
  });

  it('a head trained in company is bit for bit the head trained alone', async () => {
    const together = await headRun(SPECS);
    const alone = await headRun([SPECS[4]]);
    expect(alone.weights[0]).toEqual(together.weights[4]);
  });

  it.each(['normal', 'noise'] as const)(
    '%s runs in graphs and leaves no tensor and no graph behind',
    async (procedure) => {
      const before = tf.memory().numTensors;
      const counted = graphCounter();
      await headRun(SPECS.slice(0, 2), { procedure, maxEpochs: 1 }, counted);
      // One for clean representations, one for each head, and one for perturbed representations where there are any.
      expect(counted.most).toBe(nativeBackend() !== null ? (procedure === 'normal' ? 3 : 4) : 0);
      expect(loadedGraphs()).toBe(0);
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});
