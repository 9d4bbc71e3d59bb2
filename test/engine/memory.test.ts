import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBackend } from '../../src/main/engine/backends/openBackend.ts';
import { compile } from '../../src/main/engine/compile/compile.ts';
import { QUIET } from '../../src/main/engine/context.ts';
import { disposeParameters } from '../../src/main/engine/models/parameters.ts';
import { freeze, initialExtractor, type FrozenExtractor } from '../../src/main/engine/models/wideResNet.ts';
import { nativeBackend } from '../../src/main/engine/ops/native.ts';
import { takeValues } from '../../src/main/engine/readBack.ts';
import { trainHeads } from '../../src/main/engine/training/trainHeads.ts';
import { randomHead } from '../math/heads.ts';
import { certifyToy } from './smoothing/toyCertification.ts';
import { toySet } from './toySet.ts';

// The long forms, with training steps of an extractor and 100,000 draws, are `npm run check:memory`.

const NET = { blocks: [1, 1, 1], width: 1 } as const;
const [D, K] = [64, 3];

/** Measured parts of the steps. */
const PARTS = 5;
/**
 * Allocators take more once in a while and keep it (60 MB at once on wasm, then flat for 35,000 steps), but what is kept
 * in each step grows in every part: less than this in the least of five parts of 2,000 steps is less than 525 bytes a step.
 */
const MEGABYTES_OF_SLACK = 1;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

interface Held {
  readonly tensors: number;
  readonly onBackend: number;
  readonly megabytes: number;
}

function held(): Held {
  collectGarbage();
  const { numTensors, numDataBuffers } = tf.memory();
  return {
    tensors: numTensors,
    onBackend: nativeBackend()?.binding.getNumOfTensors() ?? numDataBuffers,
    megabytes: process.memoryUsage.rss() / 2 ** 20,
  };
}

/** Looks at what is held after `warmUp` steps and after each part of as many as `steps` more; to be told each step. */
function gauge(warmUp: number, steps: number) {
  const seen: Held[] = [];
  return {
    step: (step: number): void => {
      if (step >= warmUp && (step - warmUp) % (steps / PARTS) === 0) seen.push(held());
    },
    expectFlat: (): void => {
      expect(seen).toHaveLength(PARTS + 1);
      expect(new Set(seen.map(({ tensors }) => tensors)).size).toBe(1);
      expect(new Set(seen.map(({ onBackend }) => onBackend)).size).toBe(1);
      const growths = seen.slice(1).map(({ megabytes }, part) => megabytes - seen[part].megabytes);
      expect(Math.min(...growths)).toBeLessThan(MEGABYTES_OF_SLACK);
    },
  };
}

let extractor: FrozenExtractor;
beforeAll(async () => {
  await openBackend();
  extractor = freeze(NET, initialExtractor(NET, 1, 2));
});
afterAll(() => disposeParameters(extractor.parameters));

// Before the first measurement: caches and pools fill, V8 compiles, garbage reaches its usual height.
describe('memory is flat over', () => {
  it('10,000 runs of a compiled step', async () => {
    const weight = tf.randomNormal<tf.Rank.R2>([64, 64], 0, 0.1, 'float32', 1);
    const step = compile(({ x }: { x: tf.Tensor2D }) => ({ y: tf.relu(tf.matMul(x, weight)) }));
    const memory = gauge(10_000, 10_000);
    for (let i = 1; i <= 20_000; i++) {
      const x = tf.tensor2d(new Float32Array(1024).fill(i), [16, 64]);
      await takeValues(step.run({ x }).y);
      x.dispose();
      memory.step(i);
    }
    memory.expectFlat();
    step.dispose();
    weight.dispose();
  });

  it('10,000 training steps of a head, with their epochs, validations and checkpoints', async () => {
    const memory = gauge(4000, 10_000);
    const spec = { layers: 1, constraint: 'wn', bound: 1, groupSize: 2, temperature: 1 } as const;
    await trainHeads(
      {
        domain: 'target',
        extractor,
        heads: [{ shape: { spec, inputs: D, classes: K }, checkpoint: null }],
        training: toySet(400),
        validation: toySet(24, { seed: 2 }),
        settings: {
          procedure: 'normal',
          epsilon: 0.1,
          learningRate: 1e-4,
          batchSize: 4,
          maxEpochs: 140,
          validationEvery: 1,
          patience: 1000,
        },
        seed: 5,
      },
      { ...QUIET, progress: (step) => memory.step(step), epoch: () => undefined, finished: () => undefined },
    );
    memory.expectFlat();
  });

  it('the draws and certificates of 1,000 instances', async () => {
    const memory = gauge(400, 1000);
    await certifyToy({
      extractor,
      heads: {
        flat: randomHead({ sizes: [D, K], constraint: 'wn-l1', name: 'flat' }),
        deep: randomHead({ sizes: [D, 8, 8, 8, K], constraint: 'wn', name: 'deep' }),
      },
      instances: Array.from({ length: 1400 }, (_, i) => ({ datasetIndex: i % 30, heads: ['flat', 'deep'] })),
      certification: { draws: 30, selectionDraws: 10, alpha: 0.1, methods: ['label', 'logit'] },
      context: { progress: (done) => memory.step(done) },
    });
    memory.expectFlat();
  });
});
