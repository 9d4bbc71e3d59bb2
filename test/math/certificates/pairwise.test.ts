import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelVerdict } from '../../../src/main/math/certificates/label.ts';
import { pairwiseVerdict, type PairwiseWins } from '../../../src/main/math/certificates/pairwise.ts';
import { countVotes, countWins, pairwiseCandidate, worstWins } from '../../../src/main/math/certificates/votes.ts';
import { argmax } from '../../../src/main/math/head.ts';
import type { Selection } from '../../../src/main/math/levels.ts';
import { PAPER_DRAWS, radiusOrNone } from '../evidence.ts';
import { logitRows, type LogitRows } from '../logitRows.ts';

/** Evidence for class 0 of 1 + rivals.length, with so many wins against each rival. */
function duelsOfZero(rivals: readonly number[], draws: Partial<PairwiseWins> = {}): PairwiseWins {
  const n = draws.draws ?? PAPER_DRAWS.draws;
  return {
    ...PAPER_DRAWS,
    selectionWorstWins: Int32Array.of(100, ...rivals.map(() => 0)),
    wins: Int32Array.of(n, ...rivals),
    ...draws,
  };
}

const ABSTAINED = { outcome: 'abstained', reason: 'a-rival-may-win' };

describe('pairwise certificate', () => {
  it('abstains where every draw is a tie, or holds a NaN', () => {
    for (const value of [0, NaN, Infinity, -Infinity]) {
      const logits = new Float32Array(1500).fill(value);
      const evidence = { ...PAPER_DRAWS, selectionWorstWins: worstWins(logits, 3), wins: countWins(logits, 3, 0) };
      expect(pairwiseVerdict(evidence)).toEqual({ ...ABSTAINED, predicted: 0 });
    }
  });

  it('abstains when one rival may win, however clearly the others lose', () => {
    expect(pairwiseVerdict(duelsOfZero([500, 500, 250]))).toEqual({ ...ABSTAINED, predicted: 0 });
  });

  it('tests the class of the selection draws, which the estimation draws may not confirm', () => {
    const evidence = { ...duelsOfZero([0, 0]), selectionWorstWins: Int32Array.of(10, 20, 90) };
    expect(pairwiseVerdict({ ...evidence, wins: Int32Array.of(20, 480, 500) })).toEqual({ ...ABSTAINED, predicted: 2 });
    expect(pairwiseVerdict({ ...evidence, wins: Int32Array.of(490, 480, 500) })).toMatchObject({ predicted: 2 });
  });

  it('has the radius of a label certificate with as many votes as the worst duel has wins: no price for K', () => {
    for (const count of [300, 420, 500]) {
      const label = labelVerdict({
        ...PAPER_DRAWS,
        selectionCounts: Int32Array.of(100, 0),
        counts: Int32Array.of(count, 500 - count),
      });
      expect(radiusOrNone(label)).toBeGreaterThan(0);
      expect(pairwiseVerdict(duelsOfZero([count]))).toEqual(label);
      expect(pairwiseVerdict(duelsOfZero([500, count, 480 + count / 25, 500]))).toEqual(label);
    }
  });

  it('pays for a class from the same draws with α/K', () => {
    const shared = pairwiseVerdict(duelsOfZero([400, 390], { selection: 'shared', alpha: 0.003 }));
    expect(shared).toEqual(pairwiseVerdict(duelsOfZero([400, 390], { alpha: 0.001 })));
    expect(shared.outcome).toBe('certified');
  });

  it('radius grows with the wins of every duel, strictly with those of the worst', () => {
    const wins = fc.array(fc.integer({ min: 250, max: 499 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(wins, fc.nat(), (rivals, which) => {
        const radius = radiusOrNone(pairwiseVerdict(duelsOfZero(rivals)));
        const raised = rivals.with(which % rivals.length, rivals[which % rivals.length] + 1);
        expect(radiusOrNone(pairwiseVerdict(duelsOfZero(raised)))).toBeGreaterThanOrEqual(radius);
        const all = radiusOrNone(pairwiseVerdict(duelsOfZero(rivals.map((count) => count + 1))));
        if (radius >= 0) expect(all).toBeGreaterThan(radius);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

/** Rows in which class 0 is raised on some draws, so that it is often the one. */
const rowsThatFavourZero = (maxDraws: number) =>
  fc
    .tuple(logitRows({ maxDraws }), fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }), fc.constantFrom(1, 4, 1e39))
    .map(([{ classes, logits }, raised, by]) => ({
      classes,
      logits: logits.map((logit, i) =>
        i % classes === 0 && raised[(i / classes) % raised.length] ? logit + by : logit,
      ),
    }));

/** Both certificates of one set of estimation draws for the class that the label's selection chose. */
function labelAndPairwise({ classes, logits }: LogitRows, selection: Selection, alpha: number) {
  const draws = { ...PAPER_DRAWS, sigma: 0.25, alpha, draws: logits.length / classes, selection };
  const counts = countVotes(logits, classes);
  const selectionWorstWins = worstWins(logits, classes);
  const wins = countWins(logits, classes, pairwiseCandidate(selectionWorstWins));
  return {
    sameClass: argmax(counts) === pairwiseCandidate(selectionWorstWins),
    label: radiusOrNone(labelVerdict({ ...draws, selectionCounts: counts, counts })),
    pairwise: radiusOrNone(pairwiseVerdict({ ...draws, selectionWorstWins, wins })),
  };
}

describe('pairwise beside label', () => {
  it('is never below it, on the same draws and for the same class, ties and NaN included', () => {
    let certified = 0;
    let above = 0;
    const cases = fc.tuple(
      rowsThatFavourZero(40),
      fc.constantFrom<Selection>('separate', 'shared'),
      fc.constantFrom(0.4, 0.1, 0.01),
    );
    fc.assert(
      fc.property(cases, ([rows, selection, alpha]) => {
        const { sameClass, label, pairwise } = labelAndPairwise(rows, selection, alpha);
        if (!sameClass) return;
        expect(pairwise).toBeGreaterThanOrEqual(label);
        if (label >= 0) certified += 1;
        if (pairwise > label) above += 1;
      }),
      { seed: 1, numRuns: 3000 },
    );
    expect(certified).toBeGreaterThan(100);
    expect(above).toBeGreaterThan(100);
  });

  it('certifies a Condorcet winner without a majority of votes, where label abstains', () => {
    // Three rivals share the votes that class 0 does not get; against each of them it wins.
    const rows = Array.from({ length: 500 }, (_, s) => [1, ...[0, 1, 2].map((j) => (s % 5 === j ? 2 : 0))]);
    const { label, pairwise } = labelAndPairwise(
      { classes: 4, logits: Float32Array.from(rows.flat()) },
      'separate',
      1e-4,
    );
    expect(label).toBe(-Infinity);
    expect(pairwise).toBeGreaterThan(0.25 * 0.5);
  });
});
