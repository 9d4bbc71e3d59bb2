import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeadWeights, PredictionRecord } from '../../../src/shared/results.ts';
import { predict } from '../../../src/main/engine/attacks/predict.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { Cancelled, QUIET } from '../../../src/main/engine/context.ts';
import { imageTensor } from '../../../src/main/engine/imageSet.ts';
import { disposeHead, freezeHead } from '../../../src/main/engine/models/head.ts';
import { disposeParameters } from '../../../src/main/engine/models/parameters.ts';
import { extract, freeze, initialExtractor, type FrozenExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import { deriveKey, fillStandardNormal } from '../../../src/main/math/philox.ts';
import { headLogits } from '../../../src/main/math/head.ts';
import { toySet } from '../toySet.ts';

const NET = { blocks: [1, 1, 1], width: 1 } as const;
const [D, K] = [64, 3];
const set = toySet(200);
// More than one batch, not in order, and with one instance twice.
const INDICES = Int32Array.from({ length: 150 }, (_, i) => (i === 149 ? 7 : (i * 77) % 200));

let extractor: FrozenExtractor;
beforeAll(async () => {
  await openBackend();
  extractor = freeze(NET, initialExtractor(NET, 1, 2));
});
afterAll(() => disposeParameters(extractor.parameters));

function headOf(weight: Float32Array, bias: Float32Array): HeadWeights {
  return { constraint: 'none', bound: 1, groupSize: 2, layers: [{ inputs: D, outputs: K, weight, bias }] };
}

function randomHead(name: string): HeadWeights {
  const weight = new Float32Array(K * D);
  fillStandardNormal(weight, deriveKey(1, 'head', name), 0);
  return headOf(weight, Float32Array.of(0.5, -0.5, 0));
}

async function predictions(heads: readonly HeadWeights[], indices: Int32Array): Promise<PredictionRecord[][]> {
  const found: PredictionRecord[][] = heads.map(() => []);
  const frozen = heads.map(freezeHead);
  const predicted = (head: number, records: readonly PredictionRecord[]): void => void found[head].push(...records);
  await predict({ extractor, heads: frozen, set, indices }, { ...QUIET, predicted });
  frozen.forEach(disposeHead);
  return found;
}

describe('predictions', () => {
  it('hold each instance in order, with its label, logits and the largest of them, for every head', async () => {
    const heads = [randomHead('a'), randomHead('b')];
    const found = await predictions(heads, INDICES);
    const z = tf.tidy(() => extract(extractor, imageTensor(set, INDICES)).arraySync());
    heads.forEach((head, h) => {
      expect(found[h].map(({ datasetIndex }) => datasetIndex)).toEqual([...INDICES]);
      found[h].forEach(({ datasetIndex, label, predicted, logits }, i) => {
        expect(label).toBe(datasetIndex % K);
        expect(predicted).toBe(logits.indexOf(Math.max(...logits)));
        // D products a logit, none larger than the largest weight times the largest unit, about 4 each.
        headLogits(head, z[i]).forEach((logit, k) =>
          expect(Math.abs(logits[k] - logit)).toBeLessThan(D * 16 * 2 ** -23),
        );
      });
    });
    expect(found[0].map(({ predicted }) => predicted)).not.toEqual(found[1].map(({ predicted }) => predicted));
  });

  it('give the first of equal logits', async () => {
    const [records] = await predictions(
      [headOf(new Float32Array(K * D), Float32Array.of(-1, 2, 2))],
      INDICES.slice(0, 3),
    );
    expect(records.map(({ predicted }) => predicted)).toEqual([1, 1, 1]);
  });

  it('report progress by batch, and leave no tensor behind, cancelled or not', async () => {
    const before = tf.memory().numTensors;
    const heads = [freezeHead(randomHead('a'))];
    const done: number[] = [];
    const context = { ...QUIET, predicted: () => undefined, progress: (count: number) => done.push(count) };
    await predict({ extractor, heads, set, indices: INDICES }, context);
    expect(done).toEqual([128, 150]);
    let breaths = 0;
    const breathe = (): Promise<void> => (++breaths === 2 ? Promise.reject(new Cancelled()) : Promise.resolve());
    await expect(predict({ extractor, heads, set, indices: INDICES }, { ...context, breathe })).rejects.toThrow(
      Cancelled,
    );
    expect(done).toEqual([128, 150, 128]);
    heads.forEach(disposeHead);
    expect(tf.memory().numTensors).toBe(before);
  });
});
