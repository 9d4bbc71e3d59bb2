import { describe, expect, it } from 'vitest';
import type { CertificateRecord } from '../../../src/shared/results.ts';
import { ceilingLines } from '../../../src/main/hosts/cli/curveTable.ts';
import { largestRadiusByVotes } from '../../../src/main/math/largestRadius.ts';
import { openStore, type Store } from '../../../src/main/store/store.ts';
import {
  accuracyAt,
  ANY_SOUND,
  certifiedCurves,
  everyCurve,
  meanRadiusOf,
  radiiToShow,
  stepsOf,
  type CurveChoice,
} from '../../../src/main/workbench/curves/certifiedAccuracy.ts';
import { tablesOf } from '../../../src/main/workbench/export/tables.ts';
import { storedRun, type StoredRun } from '../../../src/main/workbench/storedRun.ts';
import { certificatesOf } from '../../store/certificates.ts';
import { keyOf } from '../../store/fixtures.ts';
import { emptyFolder, tinyConfig } from '../tinyExperiment.ts';

const HEAD = '4-layer wn';
const ALL: CurveChoice = { domain: null, head: null, method: null };

interface Radii {
  readonly label?: number;
  readonly paper?: number;
  readonly interval?: number;
}

/** Certificates of one instance with these radii, abstained where none is given; pixels are a third of the normalised unit. */
function certified(datasetIndex: number, radii: Radii, right = true): CertificateRecord[] {
  const predicted = datasetIndex % 10;
  return certificatesOf(datasetIndex)
    .filter(({ method }) => method === 'label' || method === 'representation')
    .map((record) => {
      const radius = radii[record.method === 'label' ? 'label' : (record.rule as 'paper' | 'interval')];
      return {
        ...record,
        label: right ? predicted : predicted + 1,
        verdict:
          radius === undefined
            ? { outcome: 'abstained', predicted, reason: 'boxes-overlap' }
            : { outcome: 'certified', predicted, radiusNormalised: radius },
        radiusPixels: radius === undefined ? null : radius / 3,
      };
    });
}

/** A run whose target has these certificates under one head. */
function runWith(instances: readonly (readonly CertificateRecord[])[]): { store: Store; run: StoredRun } {
  const store = openStore(emptyFolder());
  const { id } = store.runs.create({ name: 'curves', config: tinyConfig(), environment: {} });
  const [, stage] = (['head', 'certification'] as const).map((kind, position) => {
    const stage = store.stages.ensureStage({ key: keyOf(kind), kind, domain: 'target', headLabel: HEAD, inputs: {} });
    store.stages.link(id, stage.id, position);
    return stage;
  });
  for (const records of instances) store.results.commitInstance(stage.id, records);
  return { store, run: storedRun(store, id) };
}

describe('refuses', () => {
  const { store, run } = runWith([certified(0, { label: 0.1 })]);
  it.each<[string, Partial<CurveChoice>, RegExp]>([
    ['a head that the run does not have', { head: 'nope' }, /has no head "nope"; there are: "4-layer wn"/],
    ['a domain without certificates', { domain: 'source' }, /run 1 has no certificates there/],
    [
      'a method that was not used',
      { method: 'pairwise' },
      /no pairwise certificates; there are: label, representation/,
    ],
  ])('%s', (_, choice, message) => {
    expect(() => certifiedCurves(store, run, { ...ALL, ...choice })).toThrow(message);
  });

  it('a run without certificates, with how to go on', () => {
    const empty = runWith([]);
    expect(() => certifiedCurves(empty.store, empty.run, ALL)).toThrow(
      /no certificates there; go on with: ptw resume 1/,
    );
    expect(everyCurve(empty.store, empty.run)).toEqual([]);
  });
});

describe('a curve', () => {
  const { store, run } = runWith([
    certified(0, { label: 0.3, paper: 0.4, interval: 0.1 }),
    certified(1, { label: 0.1, paper: 0.5 }),
    certified(2, { label: 0.3 }),
    certified(3, { label: 0 }),
    certified(4, {}),
    certified(5, { label: 9, paper: 9, interval: 9 }, false),
  ]);
  const curves = certifiedCurves(store, run, ALL);
  const curve = (rule: string | null) => curves.find((one) => one.rule === rule)!;

  it('falls where a radius ends, counts only what is certified for its own class, and at 0 is A_V', () => {
    const { steps } = curve(null);
    expect(steps.map(({ radiusNormalised, certified: { hits } }) => [radiusNormalised, hits])).toEqual([
      [0, 4],
      [0.1, 3],
      [0.3, 2],
    ]);
    expect(steps.every(({ certified: { total } }) => total === 6)).toBe(true);
    expect(steps[0].certified.hits).toBe(
      store.results.summary(run.stages[1].id).find(({ method }) => method === 'label')!.certifiedCorrect,
    );
  });

  it('includes the radius at which it falls, and is 0 past the last', () => {
    expect([0, 0.05, 0.1, 0.1001, 0.3, 0.3001].map((r) => accuracyAt(curve(null), r).certified.hits)).toEqual([
      4, 3, 3, 2, 2, 0,
    ]);
  });

  it('has radii in pixel units', () => {
    expect(curve(null).steps[2].radiusPixels).toBe(0.3 / 3);
    expect(accuracyAt(curve(null), 0.15).radiusPixels).toBeCloseTo(0.05, 15);
  });

  it('of a published rule under wn is marked as no proof, and does not count where any sound rule may', () => {
    expect(curve('paper').soundness).toBe('published-rule');
    expect(curve(ANY_SOUND).soundness).toBe('proved');
    expect(curve('paper').steps[0].certified.hits).toBe(2);
    expect(curve(ANY_SOUND).steps.map(({ certified: { hits } }) => hits)).toEqual([1, 1]);
  });

  it('carries the Wilson interval of each step', () => {
    // 4 of 6 at 95 %: the centre and half-width of Wilson's formula by hand, z = 1.959964.
    const z = 1.959963984540054;
    const centre = (4 / 6 + (z * z) / 12) / (1 + (z * z) / 6);
    const half = (z * Math.sqrt(((4 / 6) * (2 / 6)) / 6 + (z * z) / 144)) / (1 + (z * z) / 6);
    expect(curve(null).steps[0].interval.lower).toBeCloseTo(centre - half, 12);
    expect(curve(null).steps[0].interval.upper).toBeCloseTo(centre + half, 12);
  });

  it('is shown at quarters of σ as far as any reaches', () => {
    expect(radiiToShow(curves, 0.2)).toHaveLength(11);
    expect(radiiToShow(curves, 0.2)[3]).toBeCloseTo(0.15, 15);
  });

  it('is a table of the export, a row a step', () => {
    const table = tablesOf(store, run).find(({ name }) => name === 'curves')!;
    const rows = [...table.rows].map((row) => Object.fromEntries(table.columns.map((column, i) => [column, row[i]])));
    expect(rows).toHaveLength(curves.reduce((sum, { steps }) => sum + steps.length, 0));
    expect(rows[1]).toMatchObject({
      domain: 'target',
      head: HEAD,
      method: 'label',
      radius_normalised: 0.1,
      certified: 3,
      instances: 6,
      certified_accuracy: 0.5,
    });
  });
});

describe('the ceiling of a curve', () => {
  // tinyConfig: n = 60, σ = 0.1, α = 1e-4; σ·Φ⁻¹(1e-4^(1/60)) by Python's statistics.NormalDist.
  const byVotes = 0.10700246735;
  const { store, run } = runWith([
    certified(0, { label: largestRadiusByVotes({ draws: 60, sigma: 0.1, level: 1e-4 }), interval: 0.01 }),
    certified(1, { label: 0.1 }),
    certified(2, { label: 0.2 }, false),
  ]);
  const curves = certifiedCurves(store, run, ALL);

  it('is the largest radius of its method, with the instances certified for their own class that sit there', () => {
    const label = curves.find(({ method }) => method === 'label')!;
    expect(label.ceiling!.radiusNormalised).toBeCloseTo(byVotes, 9);
    expect(label.ceiling!.instances).toBe(1);
    expect(curves.find(({ rule }) => rule === ANY_SOUND)!.ceiling!.instances).toBe(0);
  });

  it('says what n would lift it by half a σ, and who is stopped, in words and in the export', () => {
    const { lifted } = curves.find(({ method }) => method === 'label')!.ceiling!;
    expect(lifted!.radiusNormalised).toBeCloseTo(byVotes + 0.05, 9);
    expect(largestRadiusByVotes({ draws: lifted!.draws, sigma: 0.1, level: 1e-4 })).toBeGreaterThanOrEqual(
      lifted!.radiusNormalised,
    );
    const lines = ceilingLines(curves, 60);
    expect(lines[0]).toMatch(/^Largest radius that 60 draws allow, normalised units: label 0\.107/);
    expect(lines.slice(2)).toEqual([
      `  target, ${HEAD}, label: 1 of 3 sit at the largest radius that 60 draws allow, 0.107; ${lifted!.draws} draws would allow 0.157`,
    ]);
    const table = tablesOf(store, run).find(({ name }) => name === 'curves')!;
    const [first] = [...table.rows];
    expect(first[table.columns.indexOf('draws_for_lifted_ceiling')]).toBe(lifted!.draws);
  });
});

it('the mean radius is the area under the curve, over all or over the certified', () => {
  const radii = [0.1, 0.3, 0].map((radius) => ({ radiusNormalised: radius, radiusPixels: radius }));
  const curve = stepsOf(radii, 4);
  expect(meanRadiusOf(curve, 'all')).toBeCloseTo(0.4 / 4, 15);
  expect(meanRadiusOf(curve, 'certified')).toBeCloseTo(0.4 / 3, 15);
  expect(meanRadiusOf(stepsOf([], 4), 'certified')).toBeNull();
});

it('without any radius past 0 has nothing that tells what a pixel is worth', () => {
  const curve = { ...stepsOf([{ radiusNormalised: 0, radiusPixels: 0 }], 2) };
  expect(curve.pixelsPerUnit).toBeNull();
  expect(curve.steps).toHaveLength(1);
});
