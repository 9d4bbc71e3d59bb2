import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METHODS, RULES } from '../../../src/shared/config.ts';
import type { CertificateRecord, Evidence, HeadWeights } from '../../../src/shared/results.ts';
import { radiusPixelsFrom } from '../../../src/main/data/normalisation.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { Cancelled } from '../../../src/main/engine/context.ts';
import { everyIndex, imageTensor } from '../../../src/main/engine/imageSet.ts';
import { disposeParameters } from '../../../src/main/engine/models/parameters.ts';
import { extract, freeze, initialExtractor, type FrozenExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import { drawKeys, compileNoisyModel } from '../../../src/main/engine/smoothing/draws.ts';
import { verdictOf } from '../../../src/main/engine/smoothing/verdictOf.ts';
import { argmax, headLogits } from '../../../src/main/math/head.ts';
import { logitLevel, representationLevel } from '../../../src/main/math/levels.ts';
import { largestUsableIndex, medianOfSorted } from '../../../src/main/math/orderStatistics.ts';
import { randomHead } from '../../math/heads.ts';
import { drawnRepresentations } from './drawnRepresentations.ts';
import { certifyToy, TOY_TRANSFER, type ToyHeads, type ToyRequest } from './toyCertification.ts';

const NET = { blocks: [1, 1, 1], width: 1 } as const;
const [D, K] = [64, 3];

let extractor: FrozenExtractor;
let heads: ToyHeads;
beforeAll(async () => {
  await openBackend();
  extractor = freeze(NET, initialExtractor(NET, 1, 2));
  heads = {
    none: nearestMean('none', 1),
    wn: nearestMean('wn', 1),
    l1: nearestMean('wn-l1', 1),
    deep: randomHead({ sizes: [D, 8, 8, 8, K], constraint: 'wn', name: 'deep' }),
  };
});
afterAll(() => disposeParameters(extractor.parameters));

/** A one-layer head that knows the toy classes: closest mean representation, rows scaled into the constraint. */
function nearestMean(constraint: HeadWeights['constraint'], bound: number): HeadWeights {
  const { test } = TOY_TRANSFER.target;
  const z = tf.tidy(() => extract(extractor, imageTensor(test, everyIndex(test))).arraySync());
  const labels = test.labels(everyIndex(test));
  const weight = new Float32Array(K * D);
  z.forEach((row, i) => row.forEach((v, d) => (weight[labels[i] * D + d] += (v * K) / test.count)));
  const centre = Array.from({ length: D }, (_, d) => (weight[d] + weight[D + d] + weight[2 * D + d]) / K);
  const rows = Array.from({ length: K }, (_, k) => centre.map((c, d) => weight[k * D + d] - c));
  const norm = (row: number[]): number =>
    constraint === 'wn' ? Math.hypot(...row) : row.reduce((sum, v) => sum + Math.abs(v), 0);
  const scale = bound / Math.max(...rows.map(norm));
  rows.forEach((row, k) => weight.set(row.map((v) => v * scale), k * D)); // prettier-ignore
  const middles = rows.map((row, k) => row.reduce((s, v, d) => s - v * scale * (centre[d] + (rows[k][d] / 2)), 0)); // prettier-ignore
  const layers = [{ inputs: D, outputs: K, weight, bias: Float32Array.from(middles) }];
  return { constraint, bound, groupSize: 2, layers };
}

const certify = (request: Partial<ToyRequest>) =>
  certifyToy({ extractor, heads, instances: instancesOf([4, 11]), ...request });

const instancesOf = (indices: number[], names = ['none', 'wn', 'l1', 'deep']) =>
  indices.map((datasetIndex) => ({ datasetIndex, heads: names }));

const titleOf = ({ method, rule }: CertificateRecord): string => (rule === null ? method : `${method} ${rule}`);

describe('certificates of an instance', () => {
  it('are one of each method and rule for every head, but no `paper` without a constraint', async () => {
    const found = await certify({});
    const boxes = RULES.map((rule) => `representation ${rule}`);
    const all = ['label', ...boxes, 'logit', 'pairwise'];
    expect([...found.keys()]).toEqual(
      [4, 11].flatMap((i) => ['none', 'wn', 'l1', 'deep'].map((head) => `${head} ${i}`)),
    );
    for (const [key, records] of found) {
      const expected = key.startsWith('none') ? all.filter((title) => title !== 'representation paper') : all;
      expect(records.map(titleOf), key).toEqual(expected);
      for (const record of records) {
        expect(record).toMatchObject({ datasetIndex: Number(key.split(' ')[1]), label: record.datasetIndex % K });
        const isPublished = record.rule === 'paper' && !key.startsWith('l1');
        expect(record.soundness).toBe(isPublished ? 'published-rule' : 'proved');
      }
    }
  });

  it('hold something: some of each method and rule certify with a radius in both units, some abstain', async () => {
    const found = await certify({ instances: instancesOf([0, 1, 2, 3, 4, 5, 6, 7]) });
    const records = [...found.values()].flat();
    const certified = records.filter(({ verdict }) => verdict.outcome === 'certified');
    expect(new Set(certified.map(titleOf)).size).toBe(METHODS.length - 1 + RULES.length);
    expect(certified.length).toBeLessThan(records.length);
    for (const { verdict, radiusPixels } of records) {
      const expected =
        verdict.outcome === 'certified' ? radiusPixelsFrom(verdict.radiusNormalised, TOY_TRANSFER.statistics) : null;
      expect(radiusPixels).toBe(expected);
    }
  });

  it('are the same bit for bit when made again, and others for another seed or domain', async () => {
    const once = await certify({});
    expect(await certify({})).toEqual(once);
    const boxOf = (found: typeof once) => (found.get('none 4')!.at(-2)!.evidence as { lower: Float32Array }).lower;
    expect(boxOf(await certify({ seed: 6 }))).not.toEqual(boxOf(once));
    expect(boxOf(await certify({ domain: 'source' }))).not.toEqual(boxOf(once));
  });

  it('do not depend on the other instances, their order, or the other heads', async () => {
    const all = await certify({ instances: instancesOf([2, 4, 11, 20]) });
    const alone = await certify({ heads: { wn: heads['wn'] }, instances: instancesOf([11], ['wn']) });
    expect([...alone.keys()]).toEqual(['wn 11']);
    expect(alone.get('wn 11')).toEqual(all.get('wn 11'));
    const backwards = await certify({ instances: instancesOf([20, 11, 4, 2], ['deep', 'none']) });
    expect(backwards.size).toBe(8);
    for (const [key, records] of backwards) expect(records).toEqual(all.get(key));
  });

  it('come once, under all heads that the instance lacks and no other', async () => {
    const events: string[] = [];
    const instances = [...instancesOf([4], ['wn', 'none']), ...instancesOf([11], ['deep'])];
    const onEvent: ToyRequest['onEvent'] = (event) => {
      if (event.kind !== 'certificates') return;
      events.push(`${event.datasetIndex}: ${event.certified.map(({ head }) => head).join()}`);
    };
    const found = await certify({ instances, onEvent });
    expect(events).toEqual(['4: wn,none', '11: deep']);
    expect(found.size).toBe(3);
  });

  it('do not depend on the other methods and rules', async () => {
    const all = (await certify({})).get('l1 4')!;
    const some = (
      await certify({ certification: { methods: ['pairwise', 'representation'], rules: ['interval'] } })
    ).get('l1 4')!;
    expect(some.map(titleOf)).toEqual(['pairwise', 'representation interval']);
    for (const record of some) expect(record).toEqual(all.find((one) => titleOf(one) === titleOf(record)));
  });
});

describe.each([
  ['separate', 'target'],
  ['shared', 'source'],
] as const)('the evidence of a certificate, selection %s, %s domain', (selection, domain) => {
  const facts = {
    seed: 5,
    sigma: 0.25,
    alpha: 0.01,
    draws: 120,
    selectionDraws: selection === 'shared' ? 0 : 30,
    selection,
  };

  it('gives back its verdict, and tells its draws', async () => {
    const found = await certify({ domain, instances: instancesOf([3, 4, 5, 11]), certification: { selection } });
    for (const [key, records] of found) {
      for (const { evidence, verdict } of records) {
        expect(evidence, key).toMatchObject(facts);
        expect(verdictOf(evidence, heads[key.split(' ')[0]])).toEqual(verdict);
      }
    }
  });

  it('holds the median’s prediction, and where the smallest box fails, that box', async () => {
    const instances = instancesOf([...everyIndex(TOY_TRANSFER[domain].test)]);
    const found = await certify({ domain, instances, certification: { selection } });
    const failed = new Set<string>();
    for (const [key, records] of found) {
      for (const { evidence, verdict, medianPrediction } of records) {
        if (evidence.method === 'label' || evidence.method === 'pairwise') {
          expect(medianPrediction).toBeNull();
          continue;
        }
        const head = heads[key.split(' ')[0]];
        const logits = evidence.method === 'logit' ? evidence.median : headLogits(head, evidence.median);
        expect(medianPrediction).toBe(argmax(logits));
        if (verdict.outcome === 'certified') continue;
        failed.add(evidence.method);
        const levels = {
          logit: logitLevel({ ...facts, classes: K, logitTest: 'pairs' }),
          representation: representationLevel({ ...facts, dimension: D }),
        };
        expect(evidence.k).toBe(largestUsableIndex(120, levels[evidence.method]));
      }
    }
    expect([...failed].sort()).toEqual(['logit', 'representation']);
  });

  it('is what the instance’s own draws say', async () => {
    const found = (await certify({ domain, certification: { selection } })).get('none 11')!;
    const evidenceOf = <M extends Evidence['method']>(method: M) =>
      found.find((record) => record.method === method)!.evidence as Extract<Evidence, { method: M }>;
    const { test } = TOY_TRANSFER[domain];
    const image = tf.tidy(() => tf.squeeze<tf.Tensor3D>(imageTensor(test, Int32Array.of(11)), [0]));
    const keys = drawKeys(5, domain, 11);
    const noisy = compileNoisyModel({ extractor, heads: {} }, { sigma: 0.25, noise: 'float32' });
    const draw = async (key: keyof typeof keys, count: number): Promise<number[][]> => {
      const z = await drawnRepresentations(noisy, { image, count, key: keys[key] });
      return Array.from({ length: count }, (_, s) => [...z.subarray(s * D, (s + 1) * D)]);
    };
    const estimation = await draw('estimation', 120);
    const selected = selection === 'separate' ? await draw('selection', 30) : estimation;
    noisy.dispose();
    image.dispose();
    const votes = (z: number[][]): Int32Array => {
      const counts = new Int32Array(K);
      for (const row of z) counts[argmax(headLogits(heads['none'], row))]++;
      return counts;
    };
    const label = evidenceOf('label');
    expect(label.counts).toEqual(votes(estimation));
    expect(label.selectionCounts).toEqual(votes(selected));

    const { k, lower, upper, median, selectionMedian } = evidenceOf('representation');
    const column = (z: number[][], d: number): Float32Array => Float32Array.from(z, (row) => row[d]).sort();
    for (let d = 0; d < D; d++) {
      const ascending = column(estimation, d);
      expect([lower[d], upper[d]]).toEqual([ascending[k - 1], ascending[120 - k]]);
      expect(median[d]).toBe(Math.fround(medianOfSorted(ascending)));
      if (selection === 'separate') expect(selectionMedian[d]).toBe(Math.fround(medianOfSorted(column(selected, d))));
    }
    if (selection === 'shared') expect(selectionMedian).toEqual(new Float32Array(0));

    const { wins, selectionWorstWins } = evidenceOf('pairwise');
    const logits = (z: number[][]) => z.map((row) => headLogits(heads['none'], row));
    const beats = (z: Float64Array[], c: number, j: number): number => z.filter((row) => row[c] > row[j]).length;
    const c = argmax(selectionWorstWins);
    for (let j = 0; j < K; j++) {
      if (j !== c) expect(wins[j]).toBe(beats(logits(estimation), c, j));
      const rivals = [0, 1, 2].filter((rival) => rival !== j);
      expect(selectionWorstWins[j]).toBe(Math.min(...rivals.map((rival) => beats(logits(selected), j, rival))));
    }
  });
});

describe('certifying', () => {
  it('reports progress by instance and leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    const done: [number, number][] = [];
    await certify({ context: { progress: (...counts) => done.push(counts) } });
    expect(done).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect(tf.memory().numTensors).toBe(before);
  });

  const STOPS = [1, 2, 3, 4].flatMap((last) => [0, 1, 3].map((threads) => ({ last, threads })));
  it.each(STOPS)(
    'told to stop at breath $last leaves no tensor behind, $threads threads',
    async ({ last, threads }) => {
      const before = tf.memory().numTensors;
      let breaths = 0;
      const breathe = (): Promise<void> => (++breaths === last ? Promise.reject(new Cancelled()) : Promise.resolve());
      await expect(certify({ threads, context: { breathe } })).rejects.toThrow(Cancelled);
      expect(tf.memory().numTensors).toBe(before);
      // Nothing of them holds up the process; a handle may take a moment to go.
      await expect.poll(() => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length).toBe(0);
    },
  );

  it('gives the same records in the same order on any number of threads', async () => {
    const instances = instancesOf([9, 2, 0, 11, 4, 7]);
    const order = [9, 2, 0, 11, 4, 7].flatMap((i) => ['none', 'wn', 'l1', 'deep'].map((head) => `${head} ${i}`));
    const alone = await certify({ instances, threads: 0 });
    expect([...alone.keys()]).toEqual(order);
    for (const threads of [1, 3]) {
      const found = await certify({ instances, threads });
      expect([...found.keys()]).toEqual(order);
      expect(found).toStrictEqual(alone);
    }
  });

  it.each([0, 2])('ends with the error that certifying ends with, %i threads', async (threads) => {
    const certification = { draws: 5, methods: ['representation' as const] };
    const instances = instancesOf([4, 11, 2, 3, 5]);
    await expect(certify({ instances, threads, certification })).rejects.toThrow(
      /^internal: 5 draws certify nothing at level/,
    );
  });
});
