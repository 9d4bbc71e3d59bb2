import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DOMAINS } from '../../../src/shared/config.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { Cancelled, QUIET } from '../../../src/main/engine/context.ts';
import { imageTensor } from '../../../src/main/engine/imageSet.ts';
import { disposeParameters } from '../../../src/main/engine/models/parameters.ts';
import { extract, freeze, initialExtractor, type FrozenExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import { standardNormal } from '../../../src/main/engine/ops/standardNormal.ts';
import {
  DRAWS_BATCH,
  drawKeys,
  noisyImages,
  noisyRepresentations,
  sortedColumns,
  type InstanceDraws,
} from '../../../src/main/engine/smoothing/draws.ts';
import { toySet } from '../toySet.ts';

const [SIZE, D, SIGMA] = [8, 64, 0.25];
const KEY = drawKeys(5, 'target', 17).estimation;

let extractor: FrozenExtractor;
let image: tf.Tensor3D;
beforeAll(async () => {
  await openBackend();
  extractor = freeze({ blocks: [1, 1, 1], width: 1 }, initialExtractor({ blocks: [1, 1, 1], width: 1 }, 1, 2));
  image = tf.tidy(() => tf.squeeze<tf.Tensor3D>(imageTensor(toySet(1), Int32Array.of(0)), [0]));
});
afterAll(() => {
  disposeParameters(extractor.parameters);
  image.dispose();
});

const drawsOf = (count: number): InstanceDraws => ({ extractor, image, sigma: SIGMA, count, key: KEY });

/** The values of what `make` returns. */
const valuesOf = (make: () => tf.Tensor): Float32Array => tf.tidy(() => make().dataSync<'float32'>().slice());

describe('the keys of draws', () => {
  it('differ between seeds, domains, instances, and selection and estimation', () => {
    const keys = [0, 1, 2 ** 32 - 1].flatMap((seed) =>
      DOMAINS.flatMap((domain) =>
        [0, 1, 9999].flatMap((index) => Object.values(drawKeys(seed, domain, index)).map((key) => key.join(' '))),
      ),
    );
    expect(new Set(keys).size).toBe(3 * 2 * 3 * 2);
  });
});

describe('noisy images', () => {
  it('are x + σ·η, with η the standard normals of the key', () => {
    const x = valuesOf(() => image);
    const eta = valuesOf(() => standardNormal({ key: KEY, first: 3, count: 5, size: SIZE * SIZE }));
    const noisy = valuesOf(() => noisyImages(drawsOf(0), 3, 5));
    expect(noisy).toEqual(eta.map((v, i) => x[i % x.length] + Math.fround(Math.fround(SIGMA) * v)));
  });

  it.each([1, 7, 64, DRAWS_BATCH])('in batches of %i are bit for bit those of one batch', (batch) => {
    const count = 130;
    const size = SIZE * SIZE;
    const all = valuesOf(() => noisyImages(drawsOf(count), 0, count));
    for (let first = 0; first < count; first += batch) {
      const part = valuesOf(() => noisyImages(drawsOf(count), first, Math.min(batch, count - first)));
      expect(part).toEqual(all.subarray(first * size, first * size + part.length));
    }
  });
});

describe('noisy representations', () => {
  it('are the extractor’s of the noisy images; fewer draws are a prefix of more', async () => {
    const count = DRAWS_BATCH + 50;
    const all = await noisyRepresentations(drawsOf(count), QUIET);
    expect(all.shape).toEqual([count, D]);
    const fewer = await noisyRepresentations(drawsOf(DRAWS_BATCH + 20), QUIET);
    const [whole, prefix] = [all.dataSync<'float32'>(), fewer.dataSync<'float32'>()];
    const direct = valuesOf(() => extract(extractor, noisyImages(drawsOf(count), 0, count)));
    const largest = direct.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    // A whole batch bit for bit; in another batch size a convolution may sum in another order: ten layers of 24·ε.
    expect(prefix.subarray(0, DRAWS_BATCH * D)).toEqual(whole.subarray(0, DRAWS_BATCH * D));
    prefix.forEach((v, i) => expect(Math.abs(v - whole[i])).toBeLessThanOrEqual(240 * 2 ** -23 * largest));
    whole.forEach((v, i) => expect(Math.abs(v - direct[i])).toBeLessThanOrEqual(240 * 2 ** -23 * largest));
    tf.dispose([all, fewer]);
  });

  it('are the same bit for bit when drawn again', async () => {
    const [one, again] = [
      await noisyRepresentations(drawsOf(30), QUIET),
      await noisyRepresentations(drawsOf(30), QUIET),
    ];
    expect(again.dataSync()).toEqual(one.dataSync());
    tf.dispose([one, again]);
  });

  it('breathe after every batch, and leave no tensor behind when told to stop', async () => {
    const before = tf.memory().numTensors;
    let breaths = 0;
    const breathe = (): Promise<void> => (++breaths === 2 ? Promise.reject(new Cancelled()) : Promise.resolve());
    await expect(noisyRepresentations(drawsOf(3 * DRAWS_BATCH), { ...QUIET, breathe })).rejects.toThrow(Cancelled);
    expect(breaths).toBe(2);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('sorted columns', () => {
  it('hold each coordinate’s draws ascending', () => {
    const columns = tf.tidy(() =>
      sortedColumns(
        tf.tensor2d([
          [3, -1],
          [-10, 5],
          [2, -0.5],
        ]),
      ),
    );
    expect([...columns]).toEqual([-10, 2, 3, -1, -0.5, 5]);
  });

  it('put a NaN last, where it makes a bound not finite', () => {
    expect([...tf.tidy(() => sortedColumns(tf.tensor2d([[NaN], [1], [-Infinity]])))]).toEqual([-Infinity, 1, NaN]);
  });
});
