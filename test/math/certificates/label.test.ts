import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelVerdict, type LabelCounts } from '../../../src/main/math/certificates/label.ts';
import { countVotes } from '../../../src/main/math/certificates/votes.ts';
import { clopperPearsonLower } from '../../../src/main/math/clopperPearson.ts';
import { normalCdf } from '../../../src/main/math/normal.ts';
import { binomialUpperTail, exactly, isAtMost } from '../binomial.ts';
import { PAPER_DRAWS, radiusOrNone } from '../evidence.ts';
import { logitRows } from '../logitRows.ts';

/** Evidence for class 1 of three, which all selection draws chose. */
function votesForOne(count: number, draws: Partial<LabelCounts> = {}): LabelCounts {
  const n = draws.draws ?? PAPER_DRAWS.draws;
  return {
    ...PAPER_DRAWS,
    selectionCounts: Int32Array.of(0, 100, 0),
    counts: Int32Array.of(n - count, count, 0),
    ...draws,
  };
}

describe('label certificate', () => {
  it('abstains when no estimation draw votes: all rows hold a NaN', () => {
    const counts = countVotes(new Float32Array(1500).fill(NaN), 3);
    expect(labelVerdict({ ...PAPER_DRAWS, selectionCounts: Int32Array.of(0, 100, 0), counts })).toEqual({
      outcome: 'abstained',
      predicted: 1,
      reason: 'not-finite',
    });
  });

  it('abstains when no selection draw votes, however sure the estimation draws are', () => {
    const evidence = { ...votesForOne(500), selectionCounts: new Int32Array(3) };
    expect(labelVerdict(evidence)).toMatchObject({ outcome: 'abstained', reason: 'not-finite' });
  });

  it('counts draws without a vote against the class', () => {
    const sparse = { ...votesForOne(0), counts: Int32Array.of(0, 400, 0) };
    expect(labelVerdict(sparse)).toEqual(labelVerdict(votesForOne(400)));
    expect(labelVerdict({ ...sparse, counts: Int32Array.of(0, 250, 0) })).toMatchObject({ reason: 'no-majority' });
  });

  it('abstains from a class that the estimation draws do not confirm, and names it', () => {
    expect(labelVerdict(votesForOne(0))).toEqual({ outcome: 'abstained', predicted: 1, reason: 'no-majority' });
  });

  it.each([
    [500, 1e-4],
    [100, 0.01],
    [1000, 1e-6],
  ])('certifies at n = %d, α = %d exactly the counts that a fair coin reaches with probability < α', (draws, alpha) => {
    for (let count = draws / 2; count <= draws; count++) {
      const unlikely = isAtMost(binomialUpperTail(count, draws, exactly(0.5)), exactly(alpha));
      const { outcome } = labelVerdict(votesForOne(count, { draws, alpha }));
      expect([count, outcome]).toEqual([count, unlikely ? 'certified' : 'abstained']);
    }
  });

  it('has radius σ·Φ⁻¹(α^(1/n)) where all draws agree, rounded down', () => {
    const verdict = labelVerdict(votesForOne(100_000, { draws: 100_000, alpha: 0.001, sigma: 0.5 }));
    expect(verdict).toMatchObject({ outcome: 'certified', predicted: 1 });
    // "About 3.8σ" for these in Cohen et al. 2019, §4.
    expect(radiusOrNone(verdict) / 0.5).toBeCloseTo(3.8, 1);
    const exceeded = -Math.expm1(Math.log(0.001) / 100_000);
    const beyond = normalCdf(-radiusOrNone(verdict) / 0.5);
    expect(beyond).toBeGreaterThan(exceeded);
    // p_A was moved down by some 5 roundings at 1; r by 33, which Φ(−r) feels r·(r + 1/r) times, relatively.
    expect(beyond).toBeLessThan(exceeded * (1 + 1000 * Number.EPSILON) + 6 * Number.EPSILON);
  });

  it('bounds the probability at the level of the selection: α, or α/K for a class from the same draws', () => {
    for (const count of [300, 400, 500]) {
      const shared = labelVerdict(votesForOne(count, { selection: 'shared', alpha: 0.003 }));
      expect(shared).toEqual(labelVerdict(votesForOne(count, { alpha: 0.003 / 3 })));
      expect(normalCdf(radiusOrNone(shared) / 0.1)).toBeCloseTo(clopperPearsonLower(count, 500, 0.001), 12);
    }
  });

  it('takes the class from the estimation draws when they are shared, and never looks at the others', () => {
    const evidence = votesForOne(450, { selection: 'shared', selectionCounts: new Int32Array(0) });
    expect(labelVerdict(evidence)).toMatchObject({ outcome: 'certified', predicted: 1 });
    expect(labelVerdict({ ...evidence, counts: Int32Array.of(10, 20, 450) })).toMatchObject({ predicted: 2 });
  });

  it('radius grows with the votes, and in proportion to σ', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.double({ min: 0.5, max: 1, noNaN: true }),
        fc.constantFrom(0.1, 1e-4),
        (draws, share, alpha) => {
          const count = Math.ceil(draws * share);
          const radius = radiusOrNone(labelVerdict(votesForOne(count, { draws, alpha })));
          const fewer = radiusOrNone(labelVerdict(votesForOne(count - 1, { draws, alpha })));
          if (radius > 0) expect(fewer).toBeLessThan(radius);
          else expect(fewer).toBe(-Infinity);
          const doubled = radiusOrNone(labelVerdict(votesForOne(count, { draws, alpha, sigma: 0.2 })));
          expect(doubled).toBe(2 * radius);
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });

  it('shared draws never certify more than separate ones would for the same class', () => {
    let certified = 0;
    fc.assert(
      fc.property(logitRows({ maxDraws: 40 }), ({ classes, logits }) => {
        const counts = countVotes(logits, classes);
        const draws = { ...PAPER_DRAWS, alpha: 0.3, draws: logits.length / classes };
        const shared = labelVerdict({ ...draws, selection: 'shared', selectionCounts: new Int32Array(0), counts });
        const separate = labelVerdict({ ...draws, selectionCounts: counts, counts });
        expect(shared.predicted).toBe(separate.predicted);
        expect(radiusOrNone(shared)).toBeLessThanOrEqual(radiusOrNone(separate));
        if (shared.outcome === 'certified') certified += 1;
      }),
      { seed: 1, numRuns: 1000 },
    );
    expect(certified).toBeGreaterThan(10);
  });
});
