import { describe, expect, it } from 'vitest';
import { startCertifiers } from '../../../src/main/engine/smoothing/certifiers.ts';
import type { CertificationPlan, DrawnInstance, Samples } from '../../../src/main/engine/smoothing/drawnInstance.ts';
import { experimentConfigSchema } from '../../../src/shared/config.ts';
import { normals, randomHead } from '../../math/heads.ts';

const [D, K, DRAWS] = [6, 3, 120];

const PLAN: CertificationPlan = {
  heads: [{ id: 'head', weights: randomHead({ sizes: [D, 8, K], constraint: 'wn', name: 'head' }) }],
  config: experimentConfigSchema.parse({
    name: 'threads',
    source: { dataset: 'fashion-mnist' },
    target: { dataset: 'mnist' },
    extractor: { preset: 'wrn-10-1' },
    training: {},
    heads: [{ layers: 1, constraint: 'none' }],
    certification: { draws: DRAWS, selection: 'shared', alpha: 0.01 },
  }),
  statistics: { mean: Float64Array.of(0.5), deviation: Float64Array.of(0.5) },
};

function drawn(datasetIndex: number): DrawnInstance {
  const columns = normals(D * DRAWS, 'columns', datasetIndex) as Float32Array<ArrayBuffer>;
  const logits = new Map([['head', normals(K * DRAWS, 'logits', datasetIndex) as Float32Array<ArrayBuffer>]]);
  const samples: Samples = { selection: null, estimation: { draws: DRAWS, logits, columns } };
  return { datasetIndex, label: 1, inputs: 4, heads: ['head'], samples };
}

const scriptOf = (name: string): URL => new URL(`./${name}.ts`, import.meta.url);

describe('certifiers', () => {
  it.each([1, 2])('answer as this thread does and give the room back, %i threads', async (threads) => {
    const [alone, others] = [0, threads].map((count) => startCertifiers(PLAN, { threads: count }));
    const answers = await Promise.all([1, 2, 3, 4].map((index) => others.certify(drawn(index))));
    for (const [i, { certified, samples }] of answers.entries()) {
      const expected = await alone.certify(drawn(i + 1));
      expect(certified).toStrictEqual(expected.certified);
      expect(certified[0].records[0]).toMatchObject({ datasetIndex: i + 1, label: 1 });
      expect(samples).toStrictEqual(expected.samples);
      expect(samples.estimation.columns).toHaveLength(D * DRAWS);
    }
    await others.close();
  });

  it('come back with another plan', async () => {
    const other: CertificationPlan = {
      ...PLAN,
      heads: [{ id: 'head', weights: randomHead({ sizes: [D, K], constraint: 'none', name: 'other' }) }],
    };
    for (const plan of [PLAN, other, PLAN]) {
      const [alone, others] = [0, 2].map((count) => startCertifiers(plan, { threads: count }));
      for (const index of [1, 2]) {
        const { certified } = await others.certify(drawn(index));
        expect(certified).toStrictEqual((await alone.certify(drawn(index))).certified);
      }
      await others.close();
    }
  });

  it('take the room along: it is not copied', async () => {
    const certifiers = startCertifiers(PLAN, { threads: 1 });
    const instance = drawn(1);
    const answer = certifiers.certify(instance);
    expect(instance.samples.estimation.columns).toHaveLength(0);
    await answer;
    await certifiers.close();
  });

  it.each([
    ['endingThread', /^the certifier thread 1 ended with code 7 while it certified instance 5/],
    ['failingThread', /^the certifier thread 1 failed: nothing works here while it certified instance 5/],
    ['noSuchThread', /^the certifier thread 1 failed: .*noSuchThread.* while it certified instance 5/],
  ])('%s: what was asked and what is asked later is answered with an error that says so', async (name, says) => {
    const certifiers = startCertifiers(PLAN, { threads: 1, script: scriptOf(name) });
    const asked = await Promise.allSettled([5, 6].map((index) => certifiers.certify(drawn(index))));
    for (const answer of asked) {
      expect(answer.status).toBe('rejected');
      expect((answer as PromiseRejectedResult).reason).toMatchObject({
        message: expect.stringMatching(says) as string,
      });
    }
    await expect(certifiers.certify(drawn(7))).rejects.toThrow(says);
    await certifiers.close();
  });

  it('that are closed answer what they were asked with an error', async () => {
    const certifiers = startCertifiers(PLAN, { threads: 1 });
    const asked = expect(certifiers.certify(drawn(5))).rejects.toThrow(/^the certifier thread 1 was closed/);
    await certifiers.close();
    await asked;
  });
});
