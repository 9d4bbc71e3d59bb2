import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeadWeights, NoiseAttackRecord } from '../../../src/shared/results.ts';
import { noiseAttack, type NoiseAttackInputs } from '../../../src/main/engine/attacks/noiseAttack.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { Cancelled, QUIET } from '../../../src/main/engine/context.ts';
import { everyIndex, imageTensor } from '../../../src/main/engine/imageSet.ts';
import { mapValues } from '../../../src/main/engine/models/arrays.ts';
import { disposeHead, freezeHead } from '../../../src/main/engine/models/head.ts';
import { disposeParameters } from '../../../src/main/engine/models/parameters.ts';
import { extract, type FrozenExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import { headLogits } from '../../../src/main/math/head.ts';
import { affineExtractor, slopeOf } from '../models/affineExtractor.ts';
import { toySet } from '../toySet.ts';

const [SIZE, D, COUNT] = [8, 64, 12];
const PIXELS = SIZE * SIZE;
const set = toySet(COUNT, { size: SIZE, classes: 2 });
const INDICES = everyIndex(set);

let extractor: FrozenExtractor;
/** Class 1 where w·z exceeds the threshold of a head, with w of slope 1 in the input: a margin is an L2 distance. */
let w: Float32Array;
/** w·f(x) of each instance. */
let scores: number[];

beforeAll(async () => {
  await openBackend();
  extractor = affineExtractor();
  const direction = Float32Array.from({ length: D }, (_, d) => Math.sin(d + 1));
  const slope = Math.hypot(...slopeOf(extractor, SIZE, direction));
  w = direction.map((v) => v / slope);
  const z = tf.tidy(() => extract(extractor, imageTensor(set, INDICES)).arraySync());
  scores = z.map((row) => row.reduce((sum, v, d) => sum + v * w[d], 0));
});
afterAll(() => disposeParameters(extractor.parameters));

/** Right on an instance at this distance from the plane; on others by chance. */
function headAt(index: number, distance: number): HeadWeights {
  const sign = set.labels(Int32Array.of(index))[0] === 1 ? 1 : -1;
  const weight = new Float32Array(2 * D);
  weight.set(
    w.map((v) => v * sign),
    D * (sign === 1 ? 1 : 0),
  );
  const bias = new Float32Array(2);
  bias[sign === 1 ? 1 : 0] = sign * -scores[index] + distance;
  // Of label 0: logit 0 is −w·z plus a bias, and 0 for class 1.
  return { constraint: 'none', bound: 1, groupSize: 2, layers: [{ inputs: D, outputs: 2, weight, bias }] };
}

const SETTINGS = { epsilon: 1, draws: 200, shape: 'sphere' } as const;

interface Attack extends Partial<NoiseAttackInputs['settings']> {
  readonly heads: Readonly<Record<string, HeadWeights>>;
  readonly instances?: NoiseAttackInputs['instances'];
  readonly seed?: number;
}

/** By head, the records in the order of the instances. */
async function attack({ heads, instances, seed = 3, ...change }: Attack): Promise<Record<string, NoiseAttackRecord[]>> {
  const found: Record<string, NoiseAttackRecord[]> = mapValues(heads, () => []);
  const frozen = mapValues(heads, freezeHead);
  const all = Array.from(INDICES, (datasetIndex) => ({ datasetIndex, heads: Object.keys(heads) }));
  await noiseAttack(
    {
      extractor,
      heads: frozen,
      set,
      instances: instances ?? all,
      settings: { ...SETTINGS, ...change },
      domain: 'target',
      seed,
    },
    { ...QUIET, attacked: (head, record) => found[head].push(record) },
  );
  Object.values(frozen).forEach(disposeHead);
  return found;
}

const only = (index: number, ...heads: string[]) => [{ datasetIndex: index, heads }];

/** A head that no perturbation changes, right on the instances of one label. */
const constantHead = (label: number): HeadWeights => ({
  ...headAt(0, 0),
  layers: [{ inputs: D, outputs: 2, weight: new Float32Array(2 * D), bias: Float32Array.of(1 - label, label) }],
});

/** Scores near 1e4 in float32 move the plane by this much. */
const SLACK = 1e-2;

describe('the noise attack on an affine model', () => {
  it('breaks an instance by the first draw that crosses the plane, and stores it', async () => {
    const index = 3;
    const near = headAt(index, 0.05);
    const { near: records } = await attack({ heads: { near }, instances: only(index, 'near') });
    const [{ brokenAtDraw, perturbation, perturbationNorm, robust }] = records;
    expect(robust).toBe(false);
    expect(brokenAtDraw).toBeGreaterThanOrEqual(1);
    expect(Math.hypot(...perturbation!)).toBeCloseTo(1, 6);
    expect(perturbationNorm).toBeCloseTo(1, 6);
    const moved = tf.tidy(() => {
      const delta = tf.tensor4d(perturbation!, [1, SIZE, SIZE, 1]);
      return extract(extractor, tf.add(imageTensor(set, Int32Array.of(index)), delta)).arraySync()[0];
    });
    const logits = headLogits(near, moved);
    expect(logits[1 - (index % 2)]).toBeGreaterThan(logits[index % 2] - SLACK);
    // The draws before it, alone, leave it robust: fewer draws are the first of more.
    if (brokenAtDraw! > 1) {
      const fewer = await attack({ heads: { near }, instances: only(index, 'near'), draws: brokenAtDraw! - 1 });
      expect(fewer['near'][0].robust).toBe(true);
    }
    const enough = await attack({ heads: { near }, instances: only(index, 'near'), draws: brokenAtDraw! });
    expect(enough['near'][0]).toMatchObject({ robust: false, brokenAtDraw });
  });

  it('breaks as many draws as there are beyond the plane: about half at none, none at more than epsilon', async () => {
    const heads = { touching: headAt(3, SLACK), beyond: headAt(3, 1 + SLACK) };
    let broken = 0;
    for (let seed = 0; seed < 40; seed++) {
      const found = await attack({ heads, instances: only(3, 'touching', 'beyond'), draws: 1, seed });
      if (!found['touching'][0].robust) broken++;
      expect(found['beyond'][0]).toMatchObject({ robust: true, brokenAtDraw: null, perturbation: null });
    }
    // Of 40 fair coins; slack shifts the plane by 1e-2 of a step whose part along w is about 1/8. Five standard errors.
    expect(broken).toBeGreaterThan(20 - 5 * Math.sqrt(10));
    expect(broken).toBeLessThan(20 + 5 * Math.sqrt(10));
  });

  it('draws uniformly in the ball with shape ball: shorter than epsilon, by the size-th root of a uniform', async () => {
    const norms: number[] = [];
    for (let seed = 0; seed < 60; seed++) {
      const { near } = await attack({
        heads: { near: headAt(5, SLACK) },
        instances: only(5, 'near'),
        draws: 4,
        shape: 'ball',
        seed,
      });
      if (near[0].perturbation !== null) norms.push(near[0].perturbationNorm!);
    }
    expect(norms.length).toBeGreaterThan(30);
    for (const norm of norms) expect(norm).toBeLessThan(1 + 1e-6);
    // (‖δ‖/ε)^64 is uniform: its mean is 1/2 with a standard error of 0.29/√n, were it not for the pull of the plane.
    const mean = norms.reduce((sum, norm) => sum + norm ** PIXELS, 0) / norms.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan((5 * 0.29) / Math.sqrt(norms.length));
  });
});

describe('an instance under the noise attack', () => {
  it('wrong without noise is broken at draw 0, with none stored', async () => {
    const { zero } = await attack({ heads: { zero: constantHead(0) } });
    for (const record of zero) {
      expect(record).toMatchObject(
        record.label === 1
          ? { robust: false, brokenAtDraw: 0, perturbationNorm: 0, perturbation: null }
          : { robust: true, brokenAtDraw: null, perturbationNorm: null, perturbation: null },
      );
    }
  });

  it('with a logit that is not a number counts as broken', async () => {
    const head = constantHead(0);
    head.layers[0].bias[1] = NaN;
    const { nan } = await attack({ heads: { nan: head } });
    for (const record of nan) expect(record).toMatchObject({ robust: false, brokenAtDraw: 0 });
  });

  it('does not depend on the heads and instances beside it, and lacking heads are not reported again', async () => {
    const heads = { near: headAt(3, 0.1), far: headAt(3, 0.3), zero: constantHead(0) };
    const all = await attack({ heads });
    const { near, far, zero } = await attack({
      heads,
      instances: [
        { datasetIndex: 7, heads: ['far'] },
        { datasetIndex: 3, heads: ['near', 'far'] },
      ],
    });
    expect(near).toEqual([all['near'][3]]);
    expect(far).toEqual([all['far'][7], all['far'][3]]);
    expect(zero).toEqual([]);
    const alone = await attack({ heads: { near: heads.near }, instances: only(3, 'near') });
    expect(alone['near']).toEqual(near);
  });

  it('has draws of its own', async () => {
    const heads = { three: headAt(3, 0.1), five: headAt(5, 0.1) };
    const { three, five } = await attack({ heads, instances: [...only(3, 'three'), ...only(5, 'five')] });
    // Both are broken by the first draw beyond the same plane: with the same draws it would be the same one.
    const apart = three[0].perturbation!.map((v, i) => v - five[0].perturbation![i]);
    expect(Math.hypot(...apart)).toBeGreaterThan(0.5);
  });

  it('is drawn anew with another seed', async () => {
    const heads = { near: headAt(3, 0.1) };
    const [one, again, other] = [
      await attack({ heads, instances: only(3, 'near') }),
      await attack({ heads, instances: only(3, 'near') }),
      await attack({ heads, instances: only(3, 'near'), seed: 4 }),
    ];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it('is attacked by all draws, where they take several passes', async () => {
    // At a distance that a draw crosses once in some hundreds: the part along w is normal with deviation 1/8.
    const heads = { near: headAt(3, 0.35) };
    const { near } = await attack({ heads, instances: only(3, 'near'), draws: 2000 });
    expect(near[0].brokenAtDraw).toBeGreaterThan(128);
    const { near: first } = await attack({ heads, instances: only(3, 'near'), draws: near[0].brokenAtDraw! - 1 });
    expect(first[0].robust).toBe(true);
  });
});

describe('the noise attack', () => {
  it('reports progress, and leaves no tensor behind, cancelled or not', async () => {
    const before = tf.memory().numTensors;
    const heads = { zero: freezeHead(constantHead(0)) };
    const instances = Array.from(INDICES, (datasetIndex) => ({ datasetIndex, heads: ['zero'] }));
    const inputs = { extractor, heads, set, instances, settings: SETTINGS, domain: 'target', seed: 3 } as const;
    const done: [number, number][] = [];
    const progress = (...counts: [number, number]): void => void done.push(counts);
    await noiseAttack(inputs, { ...QUIET, progress, attacked: () => undefined });
    expect(done).toEqual(Array.from(INDICES, (i) => [i + 1, COUNT]));
    let breaths = 0;
    const breathe = (): Promise<void> => (++breaths === 3 ? Promise.reject(new Cancelled()) : Promise.resolve());
    const attacked: NoiseAttackRecord[] = [];
    await expect(
      noiseAttack(inputs, { ...QUIET, breathe, attacked: (_, record) => attacked.push(record) }),
    ).rejects.toThrow(Cancelled);
    expect(attacked.length).toBeLessThan(3);
    Object.values(heads).forEach(disposeHead);
    expect(tf.memory().numTensors).toBe(before);
  });
});
