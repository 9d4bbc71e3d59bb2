import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boxTrainingSchema, type BoxTraining, type HeadSpec } from '../../../src/shared/config.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { QUIET } from '../../../src/main/engine/context.ts';
import { everyIndex, imageTensor } from '../../../src/main/engine/imageSet.ts';
import { withoutPrefix } from '../../../src/main/engine/models/arrays.ts';
import { headLogits } from '../../../src/main/engine/models/head.ts';
import { disposeParameters, parametersFrom } from '../../../src/main/engine/models/parameters.ts';
import { extract, freeze, initialExtractor, type FrozenExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import { crossEntropy, oneHotLabels } from '../../../src/main/engine/ops/crossEntropy.ts';
import { noiseSource, standardNormal } from '../../../src/main/engine/ops/standardNormal.ts';
import { noisyImages } from '../../../src/main/engine/smoothing/draws.ts';
import { boxIndex, type BoxSource } from '../../../src/main/engine/training/boxIndex.ts';
import { boxHalfWidths, boxLoss, rampAt } from '../../../src/main/engine/training/boxTraining.ts';
import type { EffectiveTraining } from '../../../src/main/engine/training/effectiveTraining.ts';
import type { TrainHeadsInputs } from '../../../src/main/engine/training/trainHeads.ts';
import { propagatedMargins } from '../../../src/main/math/boxPropagation.ts';
import { representationLevel } from '../../../src/main/math/levels.ts';
import { orderStatisticEpsilon } from '../../../src/main/math/orderStatistics.ts';
import { deriveKey, shuffledIndices } from '../../../src/main/math/philox.ts';
import { toySet } from '../toySet.ts';
import { train, type Trained } from './trainedHeads.ts';
import { trainingOf } from './trainingOf.ts';

const NET = { blocks: [1, 1, 1], width: 1 } as const;
const [D, K] = [64, 3];
const PLAIN: HeadSpec = { layers: 4, constraint: 'none', bound: 1, groupSize: 2, temperature: 1 };
const boxed = (box: Partial<BoxTraining> = {}, spec = PLAIN): HeadSpec => ({
  ...spec,
  boxTraining: boxTrainingSchema.parse({ rampEpochs: 2, instances: 4, ...box }),
});
const SMOOTHING: BoxSource = { sigma: 0.3, draws: 60, alpha: 1e-2, selection: 'separate' };
const training = toySet(36);
const validation = toySet(12, { seed: 2 });
const settings = (change: Partial<Pick<EffectiveTraining, 'maxEpochs' | 'patience' | 'validationEvery'>> = {}) =>
  trainingOf({ procedure: 'normal', learningRate: 3e-3, batchSize: 12, maxEpochs: 4, validationEvery: 1, ...change });

let extractor: FrozenExtractor;
beforeAll(async () => {
  await openBackend();
  extractor = freeze(NET, initialExtractor(NET, 1, 3));
});
afterAll(() => disposeParameters(extractor.parameters));

function inputsFor(specs: readonly HeadSpec[], change: Partial<TrainHeadsInputs> = {}): TrainHeadsInputs {
  return {
    domain: 'target',
    extractor,
    heads: specs.map((spec) => ({ shape: { spec, inputs: D, classes: K }, checkpoint: null })),
    training,
    validation,
    settings: settings(),
    seed: 5,
    smoothing: SMOOTHING,
    ...change,
  };
}

describe('boxes that cannot be had are refused', () => {
  it.each<[string, HeadSpec, Partial<TrainHeadsInputs>, RegExp]>([
    [
      'more images than there are',
      boxed({ instances: 37 }),
      {},
      /^box training: got 36 training images, expected at least the 37 of boxTraining\.instances; lower it/,
    ],
    [
      'a radius beyond every index',
      boxed({ radius: 3 }),
      {},
      /^box training: got radius 3 σ, expected at most 1\.\d+; lower boxTraining\.radius/,
    ],
    [
      'too few draws for any',
      boxed(),
      { smoothing: { ...SMOOTHING, draws: 10 } },
      /^box training: got radius 0 σ, expected at most none at all; .*raise certification\.draws/,
    ],
    ['no smoothing', boxed(), { smoothing: undefined as never }, /^internal: box training: got no smoothing/],
  ])('%s', async (_, spec, change, message) => {
    const before = tf.memory().numTensors;
    await expect(train(inputsFor([PLAIN, spec], change))).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('the index of the boxes', () => {
  it.each([0, 0.2, 0.5, 1])('is the largest that certifies %d σ', (radius) => {
    const found = boxIndex(SMOOTHING, D, radius);
    if (found.outcome === 'none') throw new Error('there is one');
    const level = representationLevel({ ...SMOOTHING, dimension: D });
    const at = orderStatisticEpsilon(found.index, SMOOTHING.draws, level);
    expect(at).toMatchObject({ outcome: 'usable' });
    if (at.outcome === 'usable') expect(at.epsilonOverSigma).toBeGreaterThanOrEqual(radius);
    const next = orderStatisticEpsilon(found.index + 1, SMOOTHING.draws, level);
    expect(next.outcome === 'unusable' || next.epsilonOverSigma < radius).toBe(true);
  });

  it('names the largest radius where none reaches what is asked for, and that radius can be had', () => {
    const found = boxIndex(SMOOTHING, D, 10);
    if (found.outcome === 'found') throw new Error('there is none');
    expect(boxIndex(SMOOTHING, D, found.largest!)).toEqual({ outcome: 'found', index: 1 });
    expect(boxIndex({ ...SMOOTHING, draws: 10 }, D, 0)).toEqual({ outcome: 'none', largest: null });
  });
});

/** As boxHalfWidths by its description: draws in one pass, sorted coordinate by coordinate. */
function halfWidthsByHand({ instances, radius }: Pick<BoxTraining, 'instances' | 'radius'>, purpose: string): number[] {
  const found = boxIndex(SMOOTHING, D, radius);
  if (found.outcome === 'none') throw new Error('there is one');
  const { sigma, draws: count } = SMOOTHING;
  const sums = new Array<number>(D).fill(0);
  const images = shuffledIndices(training.count, deriveKey(5, 'box-training-images', 'target')).subarray(0, instances);
  for (const index of images) {
    const rows = tf.tidy(() => {
      const image = tf.squeeze<tf.Tensor3D>(imageTensor(training, Int32Array.of(index)), [0]);
      const source = noiseSource({ key: deriveKey(5, purpose, 'target', index), first: 0, size: image.size });
      const normals = standardNormal(source, [count, image.size]);
      return extract(extractor, noisyImages(image, { sigma, normals })).arraySync();
    });
    for (let d = 0; d < D; d++) {
      const sorted = rows.map((row) => row[d]).sort((a, b) => a - b);
      sums[d] += (sorted[count - found.index] - sorted[found.index - 1]) / 2;
    }
  }
  return sums.map((sum) => sum / instances);
}

describe('half-widths', () => {
  it.each([
    { instances: 4, radius: 0 },
    { instances: 3, radius: 0.6 },
  ])('are the mean of the boxes of $instances images at radius $radius σ', async (box) => {
    const [none, found] = await boxHalfWidths(inputsFor([PLAIN, boxed(box)]), QUIET);
    expect(none).toBeNull();
    const byHand = halfWidthsByHand(box, 'box-training');
    // Passes of 100 draws and of 60 may round a convolution differently.
    byHand.forEach((expected, d) => expect(Math.abs(found![d] - expected)).toBeLessThan(1e-5));
    // Draws of certificates would give others.
    const ofCertificates = halfWidthsByHand(box, 'estimation-draws');
    expect(ofCertificates.some((other, d) => Math.abs(found![d] - other) > 1e-3)).toBe(true);
  });

  it('grow with the radius, and do not depend on the heads beside', async () => {
    const [narrow, wide, few] = await boxHalfWidths(
      inputsFor([boxed(), boxed({ radius: 0.8 }), boxed({ instances: 2 })]),
      QUIET,
    );
    const sum = (values: Float32Array | null): number => values!.reduce((total, v) => total + v, 0);
    expect(sum(wide)).toBeGreaterThan(1.5 * sum(narrow));
    expect(await boxHalfWidths(inputsFor([boxed({ instances: 2 })]), QUIET)).toEqual([few]);
  });
});

it('the ramp goes from 0 to 1 over its epochs, by the step', () => {
  const at = (epoch: number, step: number, rampEpochs = 2): number =>
    rampAt({ rampEpochs }, { epoch, step, stepsPerEpoch: 4 });
  expect([at(1, 0), at(1, 2), at(2, 0), at(2, 3), at(3, 0), at(9, 1)]).toEqual([0, 0.25, 0.5, 0.875, 1, 1]);
  expect(at(1, 0, 0)).toBe(1);
});

describe('a head trained on boxes', () => {
  it('leaves the heads beside it, and their rounding, alone; alone it is the same itself', async () => {
    const before = tf.memory().numTensors;
    const together = await train(inputsFor([PLAIN, boxed()]));
    expect(tf.memory().numTensors).toBe(before);
    expect(await train(inputsFor([PLAIN]))).toEqual([together[0]]);
    expect(await train(inputsFor([boxed()]))).toEqual([together[1]]);
    expect(together[1].weights).not.toEqual(together[0].weights);
  });

  it('goes on from the checkpoint of any epoch, on the ramp and after it, bit for bit', async () => {
    const [once] = await train(inputsFor([boxed()]));
    for (const epoch of [1, 2, 3]) {
      const head = { shape: { spec: boxed(), inputs: D, classes: K }, checkpoint: once.checkpoints[epoch - 1] };
      const [resumed] = await train({ ...inputsFor([]), heads: [head] });
      expect(resumed.reports).toEqual(once.reports.slice(epoch));
      expect(resumed.weights).toEqual(once.weights);
    }
  });

  it.each([0.3, 1])('reports the mixed loss of the full boxes on validation images: weight %d', async (weight) => {
    const spec = boxed({ weight });
    const [{ reports, checkpoints }] = await train(inputsFor([spec]));
    const [halfWidth] = await boxHalfWidths(inputsFor([spec]), QUIET);
    reports.forEach(({ validation: measured }, i) => {
      const expected = tf.tidy(() => {
        const parameters = parametersFrom(withoutPrefix(checkpoints[i].arrays, 'parameters.'));
        const all = everyIndex(validation);
        const z = extract(extractor, imageTensor(validation, all));
        const labels = oneHotLabels(validation.labels(all), K);
        const clean = crossEntropy(headLogits(spec, parameters, z), labels).dataSync()[0];
        const worst = boxLoss(spec, parameters, { z, labels, halfWidth: tf.tensor1d(halfWidth!) }).dataSync()[0];
        return (1 - weight) * clean + weight * worst;
      });
      expect(Math.abs(measured!.loss - expected)).toBeLessThan(1e-4 * expected);
    });
  });

  it('takes no epoch of the ramp for the best, nor for one without progress', async () => {
    const spec = boxed({ rampEpochs: 3 });
    const [{ checkpoints, reports }] = await train(
      inputsFor([spec], { settings: settings({ maxEpochs: 5, patience: 1 }) }),
    );
    checkpoints.slice(0, 3).forEach(({ patience, arrays }, i) => {
      expect(patience).toEqual({ bestLoss: null, bestEpoch: i + 1 });
      expect(Object.keys(withoutPrefix(arrays, 'best.'))).toEqual([]);
    });
    // The first after the ramp is the best so far, whatever its loss.
    expect(checkpoints[3].patience).toEqual({ bestLoss: reports[3].validation!.loss, bestEpoch: 4 });
    expect(Object.keys(withoutPrefix(checkpoints[3].arrays, 'best.')).length).toBeGreaterThan(0);
  });

  it.each(['none', 'wn'] as const)(
    'is proved by interval propagation where one of four layers is not: %s',
    async (constraint) => {
      const spec: HeadSpec = { ...PLAIN, constraint, temperature: constraint === 'wn' ? 10 : 1 };
      const of = { settings: settings({ maxEpochs: 60, patience: 60 }), smoothing: { ...SMOOTHING, sigma: 0.03 } };
      const heads = [spec, boxed({ rampEpochs: 10 }, spec)];
      const [plain, trained] = await train(inputsFor(heads, of));
      const [, halfWidth] = await boxHalfWidths(inputsFor(heads, of), QUIET);
      const all = everyIndex(validation);
      const z = tf.tidy(() => extract(extractor, imageTensor(validation, all)).arraySync());
      const proved = ({ weights }: Trained): number =>
        [...validation.labels(all)].filter((label, i) => {
          const box = { lower: z[i].map((v, d) => v - halfWidth![d]), upper: z[i].map((v, d) => v + halfWidth![d]) };
          return propagatedMargins(weights!, box, label).every((margin) => margin > 0);
        }).length;
      expect(proved(trained)).toBeGreaterThan(proved(plain));
      expect(proved(trained)).toBeGreaterThan(validation.count / 2);
    },
  );

  it.each(['noise', 'adv', 'adv-d', 'adv-s'] as const)('trains under %s too', async (procedure) => {
    const of = { settings: trainingOf({ procedure, learningRate: 3e-3, batchSize: 18, maxEpochs: 3, attackSteps: 1 }) };
    const [{ reports, weights }] = await train(inputsFor([boxed({ rampEpochs: 0 })], of));
    expect(reports.at(-1)!.trainingLoss).toBeLessThan(reports[0].trainingLoss);
    expect(weights).not.toBeNull();
  });
});
