import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeadSpec } from '../../../src/shared/config.ts';
import type { HeadWeights } from '../../../src/shared/results.ts';
import type { DomainImages } from '../../../src/main/data/transfer.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { QUIET } from '../../../src/main/engine/context.ts';
import { everyIndex, imageTensor } from '../../../src/main/engine/imageSet.ts';
import { withoutPrefix, withPrefix } from '../../../src/main/engine/models/arrays.ts';
import { headLogits, initialHead } from '../../../src/main/engine/models/head.ts';
import { disposeParameters, parametersFrom, type Parameters } from '../../../src/main/engine/models/parameters.ts';
import {
  extract,
  freeze,
  inferenceParameters,
  initialExtractor,
  isRunningStatistic,
  type FrozenExtractor,
} from '../../../src/main/engine/models/wideResNet.ts';
import { oneHotLabels } from '../../../src/main/engine/ops/crossEntropy.ts';
import { noiseSource } from '../../../src/main/engine/ops/standardNormal.ts';
import { adamRates, initialAdam } from '../../../src/main/engine/training/adam.ts';
import type { Checkpoint } from '../../../src/main/engine/training/checkpoint.ts';
import { isAttacked, type EffectiveTraining } from '../../../src/main/engine/training/effectiveTraining.ts';
import {
  EXTRACTOR,
  extractorStep,
  HEAD,
  trainable,
  type StepResult,
} from '../../../src/main/engine/training/extractorStep.ts';
import { trainExtractor } from '../../../src/main/engine/training/trainExtractor.ts';
import { trainHeads } from '../../../src/main/engine/training/trainHeads.ts';
import { attackedInputs, normalsPerImage } from '../../../src/main/engine/training/trainingAttack.ts';
import { trainingLoss } from '../../../src/main/engine/training/trainingLoss.ts';
import { deriveKey } from '../../../src/main/math/philox.ts';
import { toySet } from '../toySet.ts';
import { trainingOf } from './trainingOf.ts';

const NET = { blocks: [1, 1, 1], width: 1 } as const;
const [D, K] = [64, 3];
const LINEAR: HeadSpec = { layers: 1, constraint: 'none', bound: 1, groupSize: 2, temperature: 1 };
const DEEP: HeadSpec = { ...LINEAR, layers: 4, constraint: 'wn', temperature: 2 };

type Settings = Parameters_<typeof trainingOf>;
type Parameters_<F extends (settings: never) => unknown> = F extends (settings: infer S) => unknown ? S : never;

const FAST = { attackSteps: 2, learningRate: 1e-2, batchSize: 16, maxEpochs: 2, validationEvery: 1 } as const;
const PROCEDURES: readonly Settings[] = [
  { procedure: 'normal', ...FAST },
  { procedure: 'noise', epsilon: 0.5, ...FAST },
  { procedure: 'adv', epsilon: 0.5, ...FAST },
  { procedure: 'adv-d', epsilon: 0.5, ...FAST },
  { procedure: 'adv-s', epsilon: 0.5, sigma: 0.3, ...FAST },
  { procedure: 'gaussian', sigma: 0.3, consistency: { weight: 2, draws: 3 }, ...FAST },
];
const ATTACKS = PROCEDURES.filter((settings) => isAttacked(trainingOf(settings)));
/** The same, so weak that the inputs are the clean ones to all digits that a loss shows. */
const FEEBLE = ATTACKS.map((settings) => ({ ...settings, epsilon: 1e-9, sigma: 1e-9 }));

let extractor: FrozenExtractor;
beforeAll(async () => {
  await openBackend();
  extractor = freeze(NET, initialExtractor(NET, 1, 3));
});
afterAll(() => disposeParameters(extractor.parameters));

interface Run {
  readonly losses: number[];
  readonly checkpoints: Checkpoint[];
  readonly weights: HeadWeights;
}
interface RunOf {
  readonly set?: DomainImages;
  readonly spec?: HeadSpec;
  readonly checkpoint?: Checkpoint | null;
}

const set12 = toySet(12);

async function trainedExtractor(settings: Settings, of: RunOf = {}): Promise<Run> {
  const { set = set12, spec = LINEAR, checkpoint = null } = of;
  const run: Omit<Run, 'weights'> = { losses: [], checkpoints: [] };
  const { head } = await trainExtractor(
    {
      net: NET,
      head: { spec, inputs: D, classes: K },
      training: set,
      validation: toySet(6, { seed: 2 }),
      settings: trainingOf(settings),
      seed: 5,
      checkpoint,
    },
    { ...QUIET, epoch: ({ trainingLoss: loss }, made) => (run.losses.push(loss), run.checkpoints.push(made)) },
  );
  return { ...run, weights: head };
}

async function trainedHeads(settings: Settings, of: RunOf & { specs?: readonly HeadSpec[] } = {}): Promise<Run[]> {
  const { set = set12, spec = LINEAR, specs = [spec], checkpoint = null } = of;
  const runs = specs.map(() => ({
    losses: [] as number[],
    checkpoints: [] as Checkpoint[],
    weights: [] as HeadWeights[],
  }));
  await trainHeads(
    {
      domain: 'target',
      extractor,
      heads: specs.map((one) => ({ shape: { spec: one, inputs: D, classes: K }, checkpoint })),
      training: set,
      validation: toySet(6, { seed: 2 }),
      settings: trainingOf(settings),
      seed: 5,
    },
    {
      ...QUIET,
      epoch: (head, { trainingLoss: loss }, made) => (runs[head].losses.push(loss), runs[head].checkpoints.push(made)),
      finished: (head, weights) => runs[head].weights.push(weights),
    },
  );
  return runs.map(({ weights: [weights], ...run }) => ({ ...run, weights }));
}

/** Both trainings, so that each claim is about either. */
const TRAININGS = {
  extractor: trainedExtractor,
  head: async (settings: Settings, of?: RunOf): Promise<Run> => (await trainedHeads(settings, of))[0],
} as const;
const WHAT = ['extractor', 'head'] as const;

describe.each(WHAT)('training of the %s', (what) => {
  const train = TRAININGS[what];

  it.each(PROCEDURES)('$procedure repeats from the checkpoint of its first epoch, bit for bit', async (settings) => {
    const once = await train(settings, { spec: DEEP });
    const resumed = await train(settings, { spec: DEEP, checkpoint: once.checkpoints[0] });
    expect(resumed.losses).toEqual(once.losses.slice(1));
    expect(resumed.weights).toEqual(once.weights);
  });

  it.each(FEEBLE)('$procedure of a perturbation near zero is training on the images themselves', async (settings) => {
    const of = { spec: DEEP };
    const [feeble, normal] = [await train(settings, of), await train({ ...settings, procedure: 'normal' }, of)];
    // The loss before any update. Rows and labels in another order would give another one: three classes take turns.
    expect(Math.abs(feeble.losses[0] - normal.losses[0])).toBeLessThan(1e-5);
  });

  it.each(ATTACKS)('$procedure makes the loss larger than noise does', async (settings) => {
    const strong = { ...settings, epsilon: 3, attackSteps: 5, sigma: 1e-3, representationWeight: 0 };
    const [attacked] = (await train(strong)).losses;
    const [noisy] = (await train({ ...strong, procedure: 'noise' })).losses;
    expect(attacked).toBeGreaterThan(noisy + 0.1);
  });
});

describe('draws are made afresh', () => {
  const still = { ...FAST, learningRate: 1e-12 };
  /** Copies of one image: which of them is where in a batch makes no difference. */
  const copies = (count: number): DomainImages => {
    const one = Int32Array.of(4);
    const { shape, classes } = set12;
    const image = set12.images(one);
    const images = (indices: Int32Array): Float32Array =>
      Float32Array.from({ length: indices.length * image.length }, (_, i) => image[i % image.length]);
    return { count, shape, classes, images, labels: (indices) => indices.map(() => set12.labels(one)[0]) };
  };

  it.each(WHAT.flatMap((what) => PROCEDURES.map((settings) => ({ what, ...settings }))))(
    'in every step of every epoch: $what, $procedure',
    async ({ what, ...settings }) => {
      const train = TRAININGS[what];
      const loss = async (count: number): Promise<number[]> =>
        (await train({ ...settings, ...still, batchSize: 4 }, { set: copies(count) })).losses;
      const [[first, second], [both]] = [await loss(4), await loss(8)];
      // The weights stand still, so losses differ by the draws alone: from epoch to epoch, and from step to step.
      if (settings.procedure === 'normal') {
        for (const other of [second, both]) expect(Math.abs(other - first)).toBeLessThan(1e-6);
      } else {
        for (const other of [second, both]) expect(Math.abs(other - first)).toBeGreaterThan(1e-5);
      }
    },
  );
});

/** One step of the extractor, op by op, from its first parameters. */
function firstStep(settings: EffectiveTraining, images: tf.Tensor4D, labels: tf.Tensor2D): StepResult {
  const parameters = firstParameters();
  const size = normalsPerImage(settings, images.size / images.shape[0]);
  return extractorStep(
    { net: NET, head: { spec: DEEP, inputs: D, classes: K }, settings },
    {
      parameters,
      ...initialAdam(trainable(parameters)),
      ...{ images, labels },
      ...noiseSource({ key: deriveKey(1, 'step'), first: 0, size }),
      ...adamRates(1, 1e-3),
    },
  );
}

const firstParameters = (): Parameters =>
  parametersFrom({
    ...withPrefix(initialExtractor(NET, 1, 3), EXTRACTOR),
    ...withPrefix(initialHead({ spec: DEEP, inputs: D, classes: K }, 3), HEAD),
  });

describe('running statistics', () => {
  it.each(ATTACKS)('after a step of $procedure are those of the perturbed inputs alone', (of) => {
    const settings = trainingOf(of);
    if (!isAttacked(settings)) throw new Error('the case is of a procedure without an attack');
    tf.tidy(() => {
      const images = imageTensor(set12, everyIndex(set12));
      const labels = oneHotLabels(set12.labels(everyIndex(set12)), K);
      const step = firstStep(settings, images, labels);
      const parameters = firstParameters();
      const inference = { net: NET, parameters: inferenceParameters(withoutPrefix(parameters, EXTRACTOR)) };
      const attacked = attackedInputs(
        { images, labels },
        {
          settings,
          source: noiseSource({ key: deriveKey(1, 'step'), first: 0, size: normalsPerImage(settings, 64) }),
          logits: (x) => tf.mul(headLogits(DEEP, withoutPrefix(parameters, HEAD), extract(inference, x)), 2),
        },
      );
      // Under adv-d the extractor is trained on the clean inputs too.
      const inputs = settings.procedure === 'adv-d' ? tf.concat([attacked, images]) : attacked;
      const plain = firstStep(trainingOf({ procedure: 'normal' }), inputs, tf.zeros([inputs.shape[0], K]));
      const names = Object.keys(plain.parameters).filter(isRunningStatistic);
      expect(names).toHaveLength(14);
      for (const name of names) {
        expect(step.parameters[name].dataSync(), name).toEqual(plain.parameters[name].dataSync());
        expect(step.parameters[name].dataSync(), name).not.toEqual(parameters[name].dataSync());
      }
    });
  });
});

describe('the loss', () => {
  const labels = [
    [1, 0],
    [0, 1],
  ];
  const clean = [
    [0, 0],
    [1, 1],
  ];

  it('of adv-s gives every draw the label of its input', () => {
    const settings = trainingOf({ procedure: 'adv-s', noiseDraws: 2 });
    // Right by a margin of 20 in every row: any other order of the labels costs 20 in half the rows.
    const logits = tf.tensor2d([20, 0, 20, 0, 0, 20, 0, 20], [4, 2]);
    const loss = trainingLoss(settings, { logits, labels: tf.tensor2d(labels), perturbed: logits, clean: null });
    expect(loss.dataSync()[0]).toBeLessThan(1e-7);
  });

  it.each([0, 1, 3])('of adv-d with weight %d adds that times the mean distance', (representationWeight) => {
    const settings = trainingOf({ procedure: 'adv-d', representationWeight });
    const perturbed = tf.tensor2d([3, 4, 1, 2], [2, 2]);
    const logits = tf.zeros<tf.Rank.R2>([2, 2]);
    const given = { logits, labels: tf.tensor2d(labels), perturbed, clean: tf.tensor2d(clean) };
    // Distances 5 and 1; the cross-entropy of two equal logits is log 2.
    expect(trainingLoss(settings, given).dataSync()[0]).toBeCloseTo(Math.log(2) + representationWeight * 3, 5);
  });

  it('of adv-d has a gradient of zero, not of infinity, where the distance is zero', () => {
    const settings = trainingOf({ procedure: 'adv-d' });
    const z = tf.tensor2d(clean);
    const of = (perturbed: tf.Tensor): tf.Scalar =>
      trainingLoss(settings, {
        logits: tf.zeros([2, 2]),
        labels: tf.tensor2d(labels),
        perturbed: perturbed as tf.Tensor2D,
        clean: z,
      });
    expect([...tf.grad(of)(z).dataSync()]).toEqual([0, 0, 0, 0]);
  });

  it('of adv-d moves a head on a frozen extractor as that of adv does, and is larger', async () => {
    const [adv, advD] = ['adv', 'adv-d'].map((procedure) => ATTACKS.find((one) => one.procedure === procedure)!);
    const [[a], [b]] = [await trainedHeads(adv), await trainedHeads(advD)];
    expect(b.weights).toEqual(a.weights);
    expect(b.losses[0]).toBeGreaterThan(a.losses[0] + 1e-4);
  });
});

describe('heads under attack', () => {
  it.each(ATTACKS)('$procedure: one trained in company is bit for bit the one trained alone', async (settings) => {
    const together = await trainedHeads(settings, { specs: [LINEAR, DEEP] });
    const [alone] = await trainedHeads(settings, { specs: [DEEP] });
    expect(alone).toEqual(together[1]);
  });

  it.each(ATTACKS)('$procedure: leave no tensor behind', async (settings) => {
    const before = tf.memory().numTensors;
    await trainedHeads(settings);
    await trainedExtractor(settings);
    expect(tf.memory().numTensors).toBe(before);
  });
});
