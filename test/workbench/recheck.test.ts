import { describe, expect, it } from 'vitest';
import { deriveKey, fillStandardNormal } from '../../src/main/math/philox.ts';
import { certificatesOf } from '../../src/main/engine/smoothing/certificatesOf.ts';
import { groundsOf } from '../../src/main/workbench/instanceCertificates.ts';
import { recheck } from '../../src/main/workbench/recheck.ts';
import { RULES } from '../../src/shared/config.ts';
import type { CertificateRecord, Evidence, HeadWeights } from '../../src/shared/results.ts';
import { tinyConfig } from './tinyExperiment.ts';

const config = tinyConfig();
const DIMENSION = 4;
const CLASSES = 3;

function normals(count: number, label: string): Float32Array {
  const values = new Float32Array(count);
  fillStandardNormal(values, deriveKey(1, label), 0);
  return values;
}

/** Class 0 leads by its first coordinate; draws scatter around z = (3, 0, 0, 0). */
const head: HeadWeights = {
  constraint: 'wn',
  bound: 1,
  groupSize: 2,
  layers: [
    {
      inputs: DIMENSION,
      outputs: CLASSES,
      weight: Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0),
      bias: new Float32Array(CLASSES),
    },
  ],
};

function draws(count: number, label: string): { logits: Float32Array; columns: Float32Array } {
  const z = normals(count * DIMENSION, label).map((v, i) => v / 4 + (i % DIMENSION === 0 ? 3 : 0));
  const logits = Float32Array.from(
    { length: count * CLASSES },
    (_, i) => z[Math.floor(i / CLASSES) * DIMENSION + (i % CLASSES)],
  );
  const columns = new Float32Array(z.length);
  for (let d = 0; d < DIMENSION; d++) {
    columns.set(Float32Array.from({ length: count }, (_, s) => z[s * DIMENSION + d]).sort(), d * count);
  }
  return { logits, columns };
}

function records(): CertificateRecord[] {
  const { draws: n, selectionDraws, sigma, alpha, selection } = config.certification;
  const [selected, estimation] = [draws(selectionDraws, 'selection'), draws(n, 'estimation')];
  return certificatesOf(
    {
      facts: {
        seed: config.seed,
        sigma,
        alpha,
        draws: n,
        selectionDraws,
        selection,
        precision: config.precision,
        noise: 'float32',
        inputs: 0,
      },
      weights: head,
      classes: CLASSES,
      selectionLogits: selected.logits,
      estimationLogits: estimation.logits,
      columns: { selection: selected.columns, estimation: estimation.columns },
    },
    config.certification,
  ).map((certificate) => ({ ...certificate, datasetIndex: 7, label: 0, radiusPixels: null }));
}

const find = (method: string, rule: string | null = null): CertificateRecord =>
  records().find((record) => record.method === method && record.rule === rule)!;
const withEvidence = (record: CertificateRecord, change: Partial<Evidence>): CertificateRecord => ({
  ...record,
  evidence: { ...record.evidence, ...change } as Evidence,
});

describe('a certificate that was tampered with is found out', () => {
  const label = find('label');
  const interval = find('representation', 'interval');
  const box = interval.evidence as Extract<Evidence, { method: 'representation' }>;
  it.each<[string, CertificateRecord, RegExp]>([
    [
      'a radius above what the counts prove',
      { ...label, verdict: { outcome: 'certified', predicted: 0, radiusNormalised: 1 } },
      /the stored verdict is "certified 0, radius 1", the evidence says "certified 0, radius 0\.\d+"/,
    ],
    [
      'another class',
      { ...label, verdict: { outcome: 'certified', predicted: 2, radiusNormalised: 0.1 } },
      /"certified 2/,
    ],
    [
      'votes beyond the draws',
      withEvidence(label, { counts: Int32Array.of(61, 0, 0) }),
      /a count of 61 .*expected an integer from 0 to the 60 draws/,
    ],
    [
      "another alpha than the run's",
      withEvidence(label, { alpha: 0.4 }),
      /alpha of the evidence is 0\.4, the run's is 0\.0001/,
    ],
    ["another seed than the run's", withEvidence(label, { seed: 4 }), /seed of the evidence is 4, the run's is 3/],
    [
      'a published rule as a proof',
      { ...find('representation', 'paper'), soundness: 'proved' },
      /stored as "proved", which it is not/,
    ],
    [
      'a wider box',
      withEvidence(interval, { lower: box.lower.map((v) => v - 9) }),
      /the evidence says "abstained on 0, margin-not-positive"/,
    ],
    [
      'other margins',
      withEvidence(interval, { marginLower: box.marginLower.map((v) => v + 1e-6) }),
      /the stored margins are not those of the box/,
    ],
    ['another index beside the same radius', withEvidence(interval, { k: box.k + 1 }), /the stored verdict/],
    [
      'another median prediction',
      { ...interval, medianPrediction: 1 },
      /the stored prediction of the median is 1, the evidence says 0/,
    ],
  ])('%s', (_, record, problem) => {
    expect(recheck(record, head, config).join('\n')).toMatch(problem);
  });

  it('but not margins whose sums were added up in another order, as another version may do', () => {
    const record = withEvidence(interval, { marginLower: box.marginLower.map((v) => v * (1 + 2 ** -50)) });
    expect(recheck(record, head, config)).toEqual([]);
  });

  it('and one that was not passes, whatever its method and rule', () => {
    expect(records().map(({ method, rule }) => (rule === null ? method : `${method} ${rule}`))).toEqual([
      'label',
      ...RULES.map((rule) => `representation ${rule}`),
      'logit',
      'pairwise',
    ]);
    for (const record of records()) expect(recheck(record, head, config)).toEqual([]);
  });
});

it('the grounds of a verdict name the count or the rival that decided it', () => {
  expect(groundsOf(find('label'))).toMatchObject({ method: 'label', votes: 60, draws: 60 });
  expect(groundsOf(find('pairwise'))).toMatchObject({ method: 'pairwise', wins: 60, draws: 60 });
  const { marginLower } = find('representation', 'interval').evidence as Extract<
    Evidence,
    { method: 'representation' }
  >;
  expect(groundsOf(find('representation', 'interval'))).toMatchObject({ marginLower: Math.min(...marginLower) });
  const { upper } = find('logit').evidence as Extract<Evidence, { method: 'logit' }>;
  expect(groundsOf(find('logit'))).toMatchObject({ rivalUpper: Math.max(upper[1], upper[2]) });
});
