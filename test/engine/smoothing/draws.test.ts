import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { QUIET } from '../../../src/main/engine/context.ts';
import { imageTensor } from '../../../src/main/engine/imageSet.ts';
import { disposeParameters } from '../../../src/main/engine/models/parameters.ts';
import { freeze, initialExtractor, type FrozenExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import {
  compileNoisyExtractor,
  drawKeys,
  noisyRepresentations,
  type NoisyExtractor,
} from '../../../src/main/engine/smoothing/draws.ts';
import { nativeBackend } from '../../../src/main/engine/ops/native.ts';
import { toySet } from '../toySet.ts';

const net = { blocks: [1, 1, 1], width: 1 } as const;
const set = toySet(3);

describe('noisy representations', () => {
  let extractor: FrozenExtractor;
  let noisy: NoisyExtractor;
  beforeAll(async () => {
    await openBackend();
    extractor = freeze(net, initialExtractor(net, 1, 3));
    noisy = compileNoisyExtractor(extractor, 0.5);
  });
  afterAll(() => {
    noisy.dispose();
    disposeParameters(extractor.parameters);
  });

  async function draw(datasetIndex: number, count: number, kind: 'selection' | 'estimation' = 'estimation') {
    const image = tf.tidy(() => tf.squeeze<tf.Tensor3D>(imageTensor(set, Int32Array.of(datasetIndex)), [0]));
    const key = drawKeys(1, 'target', datasetIndex)[kind];
    const z = await noisyRepresentations(noisy, { image, count, key }, QUIET);
    expect(z.shape).toEqual([count, 64]);
    const values = z.dataSync<'float32'>();
    tf.dispose([image, z]);
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
});
