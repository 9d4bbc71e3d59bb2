import { describe, expect, it } from 'vitest';
import { certificatesOf } from '../../src/main/engine/smoothing/certificatesOf.ts';
import { falsificationProblems } from '../../src/main/workbench/recheckFalsification.ts';
import { recheck } from '../../src/main/workbench/recheck.ts';
import type { CertificateRecord, Falsification, HeadWeights } from '../../src/shared/results.ts';
import { sortedNormals } from '../math/sortedNormals.ts';
import { tinyConfig } from './tinyExperiment.ts';

const config = tinyConfig();
const DIMENSION = 16;

/** Two classes told apart by the mean of all coordinates: rows of L2 norm 1, which the box moves by 4 times its radius. */
const head = (constraint: HeadWeights['constraint']): HeadWeights => ({
  constraint,
  bound: 1,
  groupSize: 2,
  layers: [
    {
      inputs: DIMENSION,
      outputs: 2,
      weight: new Float32Array(2 * DIMENSION).fill(0.25, 0, DIMENSION).fill(-0.25, DIMENSION),
      bias: new Float32Array(2),
    },
  ],
});

interface Certified {
  readonly constraint?: HeadWeights['constraint'];
  /** Of the draws around a point with a margin of 4. */
  readonly spread: number;
  readonly enabled?: boolean;
}

/** The certificate by the rule `paper`. */
function certified({ constraint = 'wn', spread, enabled = true }: Certified): CertificateRecord {
  const { draws, selectionDraws, sigma, alpha, selection } = config.certification;
  const columnsOf = (count: number, name: string): Float32Array =>
    sortedNormals(new Float32Array(DIMENSION).fill(0.5), { draws: count, spread }, name).sortedColumns;
  const settings = {
    ...config.certification,
    methods: ['representation' as const],
    rules: ['paper' as const],
    falsification: { ...config.certification.falsification, enabled },
  };
  const [certificate] = certificatesOf(
    {
      facts: {
        seed: config.seed,
        sigma,
        alpha,
        draws,
        selectionDraws,
        selection,
        precision: config.precision,
        noise: 'float32',
        inputs: 0,
      },
      weights: head(constraint),
      classes: 2,
      selectionLogits: null,
      estimationLogits: new Float32Array(2 * draws),
      columns: { selection: columnsOf(selectionDraws, 'selection'), estimation: columnsOf(draws, 'estimation') },
    },
    settings,
  );
  return { ...certificate, datasetIndex: 7, label: 0, radiusPixels: null };
}

describe('certificates are searched for falsifying points', () => {
  it('where `paper` certified and is no proof', () => {
    const found = certified({ spread: 0.4 });
    expect(found.verdict.outcome).toBe('certified');
    expect(found.falsification?.atRadius).toMatchObject({ rival: 1, k: (found.evidence as { k: number }).k });
    expect(found.falsification?.atSmallestBox).toBeNull();
    expect(certified({ spread: 1e-3 }).falsification).toEqual({ atRadius: null, atSmallestBox: null });
  });

  it('and nowhere else', () => {
    expect(certified({ spread: 9 })).toMatchObject({ verdict: { outcome: 'abstained' }, falsification: null });
    expect(certified({ spread: 1e-3, constraint: 'wn-l1' })).toMatchObject({
      verdict: { outcome: 'certified' },
      falsification: null,
    });
    expect(certified({ spread: 0.4, enabled: false }).falsification).toBeNull();
  });
});

describe('falsifying points that were tampered with are found out', () => {
  const record = certified({ spread: 0.4 });
  const point = record.falsification!.atRadius!;
  const withPoint = (change: Partial<typeof point>): Falsification => ({
    atRadius: { ...point, ...change },
    atSmallestBox: null,
  });
  it.each<[string, Falsification | null, RegExp]>([
    ['none where there was a search', null, /was not searched/],
    ['a point outside the box', withPoint({ point: point.point.with(3, -9) }), /outside the box in coordinate 3/],
    ['a NaN', withPoint({ point: point.point.with(3, NaN) }), /outside the box in coordinate 3/],
    [
      'a point where the class itself wins',
      withPoint({ point: (record.evidence as { median: Float32Array }).median }),
      /has the prediction 0, not 1.*\n.*a margin of at most 3\.\d+, stored is -/,
    ],
    ['the class itself as its rival', withPoint({ rival: 0 }), /has the prediction 1, not 0/],
    ['another margin', withPoint({ marginUpper: point.marginUpper - 1 }), /a margin of at most -/],
    ['another index', withPoint({ k: point.k + 1 }), /at the radius is of index \d+, expected/],
    ['the point of another box', { atRadius: point, atSmallestBox: point }, /in the smallest box is of index \d+/],
    ['a point of another size', withPoint({ point: new Float32Array(3) }), /of 3 entries, expected 16/],
  ])('%s', (_, falsification, problem) => {
    expect(recheck({ ...record, falsification }, head('wn'), config).join('\n')).toMatch(problem);
  });

  it('and those that were not pass', () => {
    for (const spread of [0.4, 1e-3, 9])
      expect(falsificationProblems(certified({ spread }), head('wn'), config)).toEqual([]);
  });
});
