import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { QUIET } from '../../../src/main/engine/context.ts';
import { everyIndex, imageTensor } from '../../../src/main/engine/imageSet.ts';
import { crossEntropy, oneHotLabels } from '../../../src/main/engine/ops/crossEntropy.ts';
import { noiseSource, standardNormal } from '../../../src/main/engine/ops/standardNormal.ts';
import { consistencyTerm } from '../../../src/main/engine/training/certifiedObjectives.ts';
import { rowsPerImage, type GaussianTraining } from '../../../src/main/engine/training/effectiveTraining.ts';
import { perturbForTraining } from '../../../src/main/engine/training/perturbations.ts';
import { trainExtractor } from '../../../src/main/engine/training/trainExtractor.ts';
import { normalsPerImage } from '../../../src/main/engine/training/trainingAttack.ts';
import { trainingLoss } from '../../../src/main/engine/training/trainingLoss.ts';
import { toySet } from '../toySet.ts';
import { trainingOf } from './trainingOf.ts';

beforeAll(() => openBackend());

const set = toySet(4);
const PIXELS = 64;
const of = (more: object = {}): GaussianTraining =>
  trainingOf({ procedure: 'gaussian', sigma: 0.3, ...more }) as GaussianTraining;
const three = of({ consistency: { draws: 3, weight: 5 } });

describe('gaussian', () => {
  it('is the only noise whose σ is that of the certification unless given', () => {
    expect(trainingOf({ procedure: 'gaussian' })).toMatchObject({ sigma: 0.1 });
    expect(trainingOf({ procedure: 'gaussian', sigma: 0.4 })).toMatchObject({ sigma: 0.4 });
    expect(trainingOf({ procedure: 'gaussian' })).not.toHaveProperty('epsilon');
  });

  it.each([
    ['one draw an image', of(), 1],
    ['m draws with consistency', three, 3],
  ])('%s: x + σ·η, rows of an image neighbours', (_, settings, rows) => {
    expect(rowsPerImage(settings)).toBe(rows);
    const size = normalsPerImage(settings, PIXELS);
    expect(size).toBe(rows * PIXELS);
    const images = imageTensor(set, everyIndex(set));
    const source = noiseSource({ key: [7, 9], first: 2, size });
    const noisy = perturbForTraining(images, settings, source);
    expect(noisy.shape).toEqual([4 * rows, 8, 8, 1]);
    const [x, eta, got] = [images, standardNormal(source, [4, size]), noisy].map((one) => one.dataSync());
    for (let row = 0; row < 4 * rows; row++) {
      const image = Math.floor(row / rows);
      for (let i = 0; i < PIXELS; i++) {
        expect(Math.abs(got[row * PIXELS + i] - (x[image * PIXELS + i] + 0.3 * eta[row * PIXELS + i]))).toBeLessThan(
          1e-6,
        );
      }
    }
  });

  it('minimises the cross-entropy of every draw, with λ times the consistency term where there is one', () => {
    const logits = tf.randomNormal<tf.Rank.R2>([6, 3], 0, 2, 'float32', 4);
    const labels = oneHotLabels(Int32Array.of(0, 2), 3);
    const represented = { logits, labels, perturbed: logits, clean: null };
    const ofRows = oneHotLabels(Int32Array.of(0, 0, 0, 2, 2, 2), 3);
    const points = crossEntropy(logits, ofRows).dataSync()[0];
    const term = consistencyTerm(logits, 3).dataSync()[0];
    expect(trainingLoss(three, represented).dataSync()[0]).toBeCloseTo(points + 5 * term, 5);
    expect(trainingLoss(of(), { ...represented, labels: ofRows }).dataSync()[0]).toBeCloseTo(points, 6);
  });

  it('is validated on noisy images: with so much noise that nothing is left of them, by guessing', async () => {
    const accuracies: number[] = [];
    const net = { blocks: [1, 1, 1], width: 1 } as const;
    const spec = { layers: 1, constraint: 'none', bound: 1, groupSize: 2, temperature: 1 } as const;
    await trainExtractor(
      {
        ...{ net, head: { spec, inputs: 64, classes: 3 }, training: toySet(30), validation: toySet(60, { seed: 2 }) },
        settings: of({ sigma: 100, learningRate: 1e-3, batchSize: 30, maxEpochs: 2, validationEvery: 1 }),
        ...{ seed: 5, checkpoint: null },
      },
      { ...QUIET, epoch: ({ validation }) => accuracies.push(validation!.accuracy) },
    );
    // 60 guesses among three classes; clean blobs are told apart by chance far more often or not at all, as one class.
    for (const accuracy of accuracies) expect(Math.abs(accuracy - 1 / 3)).toBeLessThan(0.2);
  });
});
