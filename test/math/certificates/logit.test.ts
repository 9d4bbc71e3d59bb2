import { describe, expect, it } from 'vitest';
import { logitVerdict, searchLogitBox, type LogitBox } from '../../../src/main/math/certificates/logit.ts';
import { boxOfIndex, mediansOfSorted } from '../../../src/main/math/certificates/search.ts';
import { argmax } from '../../../src/main/math/head.ts';
import { logitLevel, type LogitTest, type Selection } from '../../../src/main/math/levels.ts';
import { largestUsableIndex, radiusTable } from '../../../src/main/math/orderStatistics.ts';
import { NOT_FINITE, PAPER_DRAWS, radiusOrNone } from '../evidence.ts';
import { normals } from '../heads.ts';
import { sortedNormals } from '../sortedNormals.ts';

/** Class 1 of three, its lower bound 2 above the upper bounds 0 and 1. */
const SEPARATED: LogitBox = {
  ...PAPER_DRAWS,
  logitTest: 'pairs',
  selectionMedian: Float32Array.of(-0.5, 3, 0.5),
  k: 100,
  lower: Float32Array.of(-1, 2, 0),
  upper: Float32Array.of(0, 4, 1),
};
const LEVELS = [
  { selection: 'separate', logitTest: 'pairs' },
  { selection: 'separate', logitTest: 'bonferroni' },
  { selection: 'shared', logitTest: 'pairs' },
  { selection: 'shared', logitTest: 'bonferroni' },
] as const satisfies { selection: Selection; logitTest: LogitTest }[];

describe('logit certificate', () => {
  const inPlaces = NOT_FINITE.flatMap((value) =>
    (['separate', 'shared'] as const).flatMap((selection) =>
      (['lower', 'upper', 'selectionMedian'] as const)
        .filter((field) => selection === 'separate' || field !== 'selectionMedian')
        .map((field) => ({ value, selection, field })),
    ),
  );

  it.each(inPlaces)('never certifies with $value in $field, selection $selection', ({ value, selection, field }) => {
    for (let j = 0; j < 3; j++) {
      const evidence = { ...SEPARATED, selection, [field]: SEPARATED[field].with(j, value) };
      // An infinity on the wrong side is refused: it is out of order.
      const crossed = (field === 'lower' && value === Infinity) || (field === 'upper' && value === -Infinity);
      if (crossed) expect(() => logitVerdict(evidence)).toThrow(/pass lower and upper in order/);
      else expect(logitVerdict(evidence)).toMatchObject({ outcome: 'abstained', reason: 'not-finite' });
    }
  });

  it('abstains where bounds touch: a tie counts for the rival', () => {
    for (const j of [0, 2]) {
      const touching = { ...SEPARATED, upper: SEPARATED.upper.with(j, 2) };
      expect(logitVerdict(touching)).toEqual({ outcome: 'abstained', predicted: 1, reason: 'boxes-overlap' });
      const nextBelow = Math.fround(2 - 2 ** -23);
      expect(logitVerdict({ ...SEPARATED, upper: SEPARATED.upper.with(j, nextBelow) }).outcome).toBe('certified');
    }
  });

  it('tests the class of the selection draws, which the estimation draws may not confirm', () => {
    const evidence = { ...SEPARATED, selectionMedian: Float32Array.of(0, 1, 2) };
    expect(logitVerdict(evidence)).toEqual({ outcome: 'abstained', predicted: 2, reason: 'boxes-overlap' });
  });

  it('takes the class of the largest lower bound when the draws are shared, and never looks at the others', () => {
    const shared = { ...SEPARATED, selection: 'shared', selectionMedian: new Float32Array(0) } as const;
    expect(logitVerdict(shared)).toMatchObject({ outcome: 'certified', predicted: 1 });
  });

  it.each(LEVELS)('has radius ε_k at its own level: $selection, $logitTest', (request) => {
    const table = radiusTable(500, logitLevel({ ...request, alpha: 1e-4, classes: 3 }));
    for (const k of [1, 100, table.length]) {
      const radius = radiusOrNone(logitVerdict({ ...SEPARATED, ...request, k }));
      expect(radius).toBeLessThan(0.1 * table[k - 1]);
      // One rounding of the product, and one ulp of margin.
      expect(radius).toBeGreaterThan(0.1 * table[k - 1] * (1 - 4 * Number.EPSILON));
    }
    expect(() => logitVerdict({ ...SEPARATED, ...request, k: table.length + 1 })).toThrow(/choose a smaller index/);
  });

  it('radius falls with the index', () => {
    let previous = Infinity;
    for (let k = 1; k <= 200; k++) {
      const radius = radiusOrNone(logitVerdict({ ...SEPARATED, k }));
      expect(radius).toBeLessThan(previous);
      previous = radius;
    }
  });

  it('pays for a class from the same draws: α/2, and all logits even where pairs were asked for', () => {
    for (const logitTest of ['pairs', 'bonferroni'] as const) {
      const shared = logitVerdict({ ...SEPARATED, logitTest, selection: 'shared' });
      const asSeparate = logitVerdict({ ...SEPARATED, logitTest: 'bonferroni', alpha: 1e-4 / 2 });
      expect(shared).toEqual(asSeparate);
      expect(radiusOrNone(shared)).toBeLessThan(radiusOrNone(logitVerdict({ ...SEPARATED, logitTest })));
    }
  });

  it('needs a smaller box for all logits than for pairs', () => {
    const of = (logitTest: LogitTest) => radiusOrNone(logitVerdict({ ...SEPARATED, logitTest }));
    expect(of('bonferroni')).toBeLessThan(of('pairs'));
  });
});

describe('search for a logit box', () => {
  const ALPHA = 0.01;
  const cases = LEVELS.flatMap((request) => [0, 0.5, 1, 2, 4].map((lead) => ({ ...request, lead })));

  it.each(cases)(
    'stops at an index that passes and the one before it fails: $selection, $logitTest, lead $lead',
    (c) => {
      const { lead, ...request } = c;
      const draws = { ...PAPER_DRAWS, ...request, alpha: ALPHA, draws: 200 };
      const largestIndex = largestUsableIndex(200, logitLevel({ ...request, alpha: ALPHA, classes: 4 }))!;
      const outcomes = new Set<string>();
      for (let trial = 0; trial < 20; trial++) {
        const centre = normals(4, 'logit centre', trial).map((z, j) => 0.3 * z + (j === 2 ? lead : 0));
        const sorted = sortedNormals(centre, { draws: 200, spread: 1 }, `logit, lead ${lead}`, trial);
        const selectionMedian = request.selection === 'separate' ? centre : new Float32Array(0);
        const found = searchLogitBox({ sorted, selection: request.selection, selectionMedian, largestIndex });
        const at = (k: number) => logitVerdict({ ...draws, selectionMedian, k, ...boxOfIndex(sorted, k) });
        expect(found).toEqual({ median: mediansOfSorted(sorted), k: found.k, ...boxOfIndex(sorted, found.k) });
        const { outcome } = at(found.k);
        outcomes.add(outcome);
        if (outcome === 'abstained') expect(found.k).toBe(largestIndex);
        if (found.k > 1) expect(at(found.k - 1).outcome).toBe('abstained');
        // Nested boxes: every index from there on passes too, for the same class.
        if (outcome === 'certified') {
          for (let k = found.k; k <= largestIndex; k++)
            expect(at(k)).toMatchObject({ outcome, predicted: at(found.k).predicted });
        }
      }
      if (lead === 4) expect([...outcomes]).toEqual(['certified']);
      if (lead === 0) expect(outcomes).toContain('abstained');
    },
  );

  it('certifies nothing from draws with a NaN, however few', () => {
    const { sortedColumns } = sortedNormals([0, 9], { draws: 200, spread: 1 }, 'NaN');
    for (const feature of [0, 1]) {
      const withNaN = sortedColumns.with((feature + 1) * 200 - 1, NaN);
      const sorted = { sortedColumns: withNaN, draws: 200 };
      const evidence = {
        ...PAPER_DRAWS,
        draws: 200,
        logitTest: 'pairs',
        selectionMedian: Float32Array.of(0, 9),
      } as const;
      const largestIndex = largestUsableIndex(200, 1e-4 / 2)!;
      const box = searchLogitBox({ ...evidence, sorted, largestIndex });
      expect(argmax(evidence.selectionMedian)).toBe(1);
      expect(logitVerdict({ ...evidence, ...box })).toMatchObject({ outcome: 'abstained', reason: 'not-finite' });
    }
  });
});
