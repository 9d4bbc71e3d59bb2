import { describe, expect, it } from 'vitest';
import { representationVerdict, searchRepresentations } from '../../../src/main/math/certificates/representation.ts';
import { boxOfIndex, mediansOfSorted, type SortedDraws } from '../../../src/main/math/certificates/search.ts';
import { argmax, headInputs, headLogits, type DenseHead } from '../../../src/main/math/head.ts';
import { representationLevel } from '../../../src/main/math/levels.ts';
import { MARGIN_RULES } from '../../../src/main/math/marginRules.ts';
import { largestUsableIndex } from '../../../src/main/math/orderStatistics.ts';
import { PAPER_DRAWS } from '../evidence.ts';
import { cornersOf, HEADS, pointsOf, PROOFS } from '../headsAndBoxes.ts';
import { normals } from '../heads.ts';
import { sortedNormals } from '../sortedNormals.ts';

const DRAWS = { ...PAPER_DRAWS, alpha: 0.01, draws: 200 };
const largestIndexOf = (selection: 'separate' | 'shared', dimension: number): number =>
  largestUsableIndex(DRAWS.draws, representationLevel({ alpha: DRAWS.alpha, selection, dimension }))!;

type Entry = Pick<(typeof PROOFS)[number], 'head' | 'rule'>;

/** From draws to verdict, and the verdict any other index would get. */
function certify({ head, rule }: Entry, sorted: SortedDraws, selection: 'separate' | 'shared') {
  const largestIndex = largestIndexOf(selection, headInputs(head));
  const selectionMedian = selection === 'separate' ? mediansOfSorted(sorted) : new Float32Array(0);
  const box = searchRepresentations({ sorted, selection, selectionMedian, largestIndex }, head).find(rule);
  const evidence = { ...DRAWS, selection, selectionMedian, ...box };
  const at = (k: number) => representationVerdict({ ...evidence, k, ...boxOfIndex(sorted, k) }, head, rule);
  return { box, largestIndex, verdict: representationVerdict(evidence, head, rule), at };
}

/** Random draws about a random point, the same for every rule. */
const drawsAbout = (title: string, spread: number): SortedDraws =>
  sortedNormals(normals(12, 'median', title), { draws: DRAWS.draws, spread }, title, `spread ${spread}`);

const SPREADS = [0.003, 0.03, 0.1, 0.3, 1];

describe('search for a representation box', () => {
  it.each(PROOFS)('stops at an index that passes and the one before it fails: $rule, $title', (entry) => {
    const outcomes = new Set<string>();
    for (const selection of ['separate', 'shared'] as const) {
      for (const spread of SPREADS) {
        const sorted = drawsAbout(entry.title, spread);
        const { box, largestIndex, verdict, at } = certify(entry, sorted, selection);
        outcomes.add(verdict.outcome);
        expect(box).toMatchObject({ median: mediansOfSorted(sorted), ...boxOfIndex(sorted, box.k) });
        expect(box.marginLower).toEqual(MARGIN_RULES[entry.rule](entry.head, box, verdict.predicted));
        if (verdict.outcome === 'abstained') expect(box.k).toBe(largestIndex);
        if (box.k > 1) expect(at(box.k - 1).outcome).toBe('abstained');
        if (verdict.outcome === 'certified') {
          for (let k = box.k; k <= largestIndex; k += 7) expect(at(k)).toMatchObject({ outcome: 'certified' });
        }
      }
    }
    expect(outcomes).toContain('certified');
  });

  it.each(PROOFS)(
    'no corner of a certified box and no point of 10,000 in it has another prediction: $rule, $title',
    (entry) => {
      const { head, title } = entry;
      // The widest draws that are certified: their box reaches as far as the rule lets it.
      const widest = SPREADS.map((spread) => certify(entry, drawsAbout(title, spread), 'separate')).findLast(
        ({ verdict }) => verdict.outcome === 'certified',
      )!;
      const { predicted } = widest.verdict;
      let least = Infinity;
      for (const z of [...cornersOf(widest.box), ...pointsOf(widest.box, 10_000, title)]) {
        const logits = headLogits(head, z);
        logits.forEach((logit, j) => (least = j === predicted ? least : Math.min(least, logits[predicted] - logit)));
      }
      expect(least).toBeGreaterThan(0);
    },
  );

  it('certifies nothing from draws with a NaN, however few', () => {
    for (const { head, title } of HEADS) {
      const { sortedColumns, draws } = drawsAbout(title, 0.003);
      const entry = { head, rule: 'interval' } as const;
      expect(certify(entry, { sortedColumns, draws }, 'separate').verdict.outcome).toBe('certified');
      for (const feature of [0, 11]) {
        const withNaN = { sortedColumns: sortedColumns.with((feature + 1) * draws - 1, NaN), draws };
        for (const selection of ['separate', 'shared'] as const) {
          const { verdict } = certify(entry, withNaN, selection);
          expect(verdict).toMatchObject({ outcome: 'abstained', reason: 'not-finite' });
        }
      }
    }
  });

  it('certifies nothing from draws with an infinity, even where the margin would not mind it', () => {
    const layers = [{ inputs: 1, outputs: 2, weight: Float32Array.of(1, -1), bias: new Float32Array(2) }];
    const head: DenseHead = { constraint: 'none', bound: 1, groupSize: 1, layers };
    const { sortedColumns, draws } = sortedNormals([3], { draws: DRAWS.draws, spread: 0.1 }, 'infinite');
    for (const sign of [1, -1]) {
      const column = sortedColumns.map((z, i) => sign * (i >= draws - 3 ? Infinity : z)).sort();
      const { verdict } = certify({ head, rule: 'interval' }, { sortedColumns: column, draws }, 'separate');
      expect(verdict).toMatchObject({ outcome: 'abstained', reason: 'not-finite' });
    }
  });

  it('bounds the margins of the class of the selection draws, even where the estimation draws say another', () => {
    const [{ head, title }] = HEADS;
    const sorted = drawsAbout(title, 0.003);
    const selectionMedian = mediansOfSorted(sorted).map((z) => -z);
    const c = argmax(headLogits(head, selectionMedian));
    expect(argmax(headLogits(head, mediansOfSorted(sorted)))).not.toBe(c);
    const largestIndex = largestIndexOf('separate', 12);
    const box = searchRepresentations({ sorted, selection: 'separate', selectionMedian, largestIndex }, head).find(
      'interval',
    );
    expect(box.k).toBe(largestIndex);
    expect(box.marginLower[c]).toBe(Infinity);
    expect(Math.min(...box.marginLower)).toBeLessThan(0);
  });
});
