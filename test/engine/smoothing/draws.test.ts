import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DOMAINS } from '../../../src/shared/config.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { Cancelled, QUIET } from '../../../src/main/engine/context.ts';
import { imageTensor } from '../../../src/main/engine/imageSet.ts';
import { disposeParameters } from '../../../src/main/engine/models/parameters.ts';
import { extract, freeze, initialExtractor, type FrozenExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import {
  compileNoisyModel,
  DRAWS_BATCH,
  drawKeys,
  noisyImages,
  type NoisyModel,
} from '../../../src/main/engine/smoothing/draws.ts';
import { nativeBackend } from '../../../src/main/engine/ops/native.ts';
import { fillDraws, noiseSource, standardNormal } from '../../../src/main/engine/ops/standardNormal.ts';
import { toySet } from '../toySet.ts';
import { putInColumns, sortColumns } from '../../../src/main/engine/smoothing/columns.ts';
import { drawnRepresentations } from './drawnRepresentations.ts';

const net = { blocks: [1, 1, 1], width: 1 } as const;
const set = toySet(3);

describe('noisy representations', () => {
  let extractor: FrozenExtractor;
  let noisy: NoisyModel;
  beforeAll(async () => {
    await openBackend();
    extractor = freeze(net, initialExtractor(net, 1, 3));
    noisy = compileNoisyModel({ extractor, heads: {} }, { sigma: 0.5, noise: 'float32' });
  });
  afterAll(() => {
    noisy.dispose();
    disposeParameters(extractor.parameters);
  });

  async function draw(datasetIndex: number, count: number, kind: 'selection' | 'estimation' = 'estimation') {
    const image = tf.tidy(() => tf.squeeze<tf.Tensor3D>(imageTensor(set, Int32Array.of(datasetIndex)), [0]));
    const key = drawKeys(1, 'target', datasetIndex)[kind];
    const values = await drawnRepresentations(noisy, { image, count, key });
    image.dispose();
    return values;
  }

  it('are the same bits twice, other bits for another instance, and others for the selection', async () => {
    const before = tf.memory().numTensors;
    const first = await draw(0, 150);
    expect(await draw(1, 150)).not.toEqual(first);
    expect(await draw(0, 150, 'selection')).not.toEqual(first);
    expect(await draw(0, 150)).toEqual(first);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([5, 8])(
    'are those of x + σ·η with the normals of their place in the stream, images being %i pixels wide',
    async (side) => {
      const image = tf.tidy(() =>
        tf.squeeze<tf.Tensor3D>(imageTensor(toySet(1, { size: side }), Int32Array.of(0)), [0]),
      );
      const { estimation: key } = drawKeys(1, 'target', 7);
      const count = DRAWS_BATCH + 3;
      const model = compileNoisyModel({ extractor, heads: {} }, { sigma: 0.5, noise: 'float32' });
      const values = await drawnRepresentations(model, { image, count, key });
      model.dispose();
      const eta = new Float32Array(count * image.size);
      fillDraws(eta, { key, first: 0, size: image.size });
      const expected = tf.tidy(() => {
        const normals = tf.tensor2d(eta, [count, image.size]);
        return extract(extractor, noisyImages(image, { sigma: 0.5, normals }))
          .dataSync<'float32'>()
          .slice();
      });
      image.dispose();
      values.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThan(1e-5 * (1 + Math.abs(value))));
    },
  );

  it('are the same to the last digits where TensorFlow has a GPU, which draws for itself', async () => {
    const native = nativeBackend() as { isUsingGpuDevice: boolean } | null;
    if (native === null) return;
    const image = tf.tidy(() => tf.squeeze<tf.Tensor3D>(imageTensor(set, Int32Array.of(1)), [0]));
    const request = { image, count: DRAWS_BATCH + 3, key: drawKeys(1, 'target', 1).estimation };
    const found = native.isUsingGpuDevice;
    const drawn = [];
    try {
      for (const isUsingGpuDevice of [true, false]) {
        native.isUsingGpuDevice = isUsingGpuDevice;
        const model = compileNoisyModel({ extractor, heads: {} }, { sigma: 0.5, noise: 'float32' });
        drawn.push(await drawnRepresentations(model, request));
        expect(model.status().mode).toBe('compiled');
        model.dispose();
      }
    } finally {
      native.isUsingGpuDevice = found;
      image.dispose();
    }
    const [device, host] = drawn;
    device.forEach((value, i) => expect(Math.abs(value - host[i])).toBeLessThan(1e-5 * (1 + Math.abs(value))));
  });

  it('are one graph, whatever the count', async () => {
    await draw(2, 30);
    await draw(2, 230);
    expect(noisy.status()).toMatchObject(
      nativeBackend() !== null ? { mode: 'compiled', graphs: 1 } : { mode: 'eager' },
    );
  });

  it('do not depend on how many are asked for', async () => {
    const many = await draw(0, 250);
    for (const count of [1, 99, 100, 101]) expect(await draw(0, count)).toEqual(many.subarray(0, count * 64));
  });

  it('differ from draw to draw', async () => {
    const values = await draw(0, 200);
    const rows = new Set(Array.from({ length: 200 }, (_, i) => values.subarray(i * 64, (i + 1) * 64).join()));
    expect(rows.size).toBe(200);
  });

  it('breathe before every batch, and leave no tensor behind when told to stop', async () => {
    const image = tf.tidy(() => tf.squeeze<tf.Tensor3D>(imageTensor(set, Int32Array.of(0)), [0]));
    const request = { image, count: 3 * DRAWS_BATCH, key: drawKeys(1, 'target', 0).estimation };
    const before = tf.memory().numTensors;
    let breaths = 0;
    const breathe = (): Promise<void> => (++breaths === 2 ? Promise.reject(new Cancelled()) : Promise.resolve());
    await expect(drawnRepresentations(noisy, request, { ...QUIET, breathe })).rejects.toThrow(Cancelled);
    expect(breaths).toBe(2);
    expect(tf.memory().numTensors).toBe(before);
    image.dispose();
  });
});

describe('noisy images', () => {
  const SIGMA = 0.25;
  const size = 64;
  const key = drawKeys(5, 'target', 17).estimation;
  const image = (): tf.Tensor3D => tf.tidy(() => tf.squeeze<tf.Tensor3D>(imageTensor(set, Int32Array.of(0)), [0]));
  /** The values of what `make` returns. */
  const valuesOf = (make: () => tf.Tensor): Float32Array => tf.tidy(() => make().dataSync<'float32'>().slice());
  const noisyFrom = (first: number, count: number): Float32Array =>
    valuesOf(() => {
      const normals = standardNormal(noiseSource({ key, first, size }), [count, size]);
      return noisyImages(image(), { sigma: SIGMA, normals });
    });

  it('are x + σ·η, with η the standard normals of the key', () => {
    const x = valuesOf(image);
    const eta = valuesOf(() => standardNormal(noiseSource({ key, first: 3, size }), [5, size]));
    expect(noisyFrom(3, 5)).toEqual(eta.map((v, i) => x[i % x.length] + Math.fround(Math.fround(SIGMA) * v)));
  });

  it.each([1, 7, 64, DRAWS_BATCH])('in batches of %i are bit for bit those of one batch', (batch) => {
    const count = 130;
    const all = noisyFrom(0, count);
    for (let first = 0; first < count; first += batch) {
      const part = noisyFrom(first, Math.min(batch, count - first));
      expect(part).toEqual(all.subarray(first * size, first * size + part.length));
    }
  });
});

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

describe('columns', () => {
  it('hold each coordinate’s draws ascending, in whatever parts they came', () => {
    const columns = new Float32Array(6).fill(7);
    putInColumns(columns, Float32Array.of(2, -0.5, 9, 9), { first: 2, count: 1, draws: 3 });
    putInColumns(columns, Float32Array.of(3, -1, -10, 5), { first: 0, count: 2, draws: 3 });
    expect([...columns]).toEqual([3, -10, 2, -1, 5, -0.5]);
    sortColumns(columns, 3);
    expect([...columns]).toEqual([-10, 2, 3, -1, -0.5, 5]);
  });

  it('put a NaN last, where it makes a bound not finite', () => {
    const columns = Float32Array.of(NaN, 1, -Infinity);
    sortColumns(columns, 3);
    expect([...columns]).toEqual([-Infinity, 1, NaN]);
  });
});
