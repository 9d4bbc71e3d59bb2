import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clopperPearsonLower } from '../../src/main/math/clopperPearson.ts';
import { representationLevel } from '../../src/main/math/levels.ts';
import { normalCdf } from '../../src/main/math/normal.ts';
import {
  largestUsableIndex,
  medianOfSorted,
  orderStatisticEpsilon,
  radiusTable,
  smallestDrawsForLabel,
  smallestDrawsThatCertify,
} from '../../src/main/math/orderStatistics.ts';
import { binomialLowerTail, exactly, isAtMost } from './binomial.ts';

const PAPER_LEVEL = representationLevel({ alpha: 1e-4, selection: 'separate', dimension: 640 });

describe('order statistics', () => {
  it('gives the check values of METHOD.md §4: n = 500, α = 1e-4, D = 640', () => {
    expect(PAPER_LEVEL).toBe(1e-4 / 1280);
    expect(largestUsableIndex(500, PAPER_LEVEL)).toBe(192);
    const table = radiusTable(500, PAPER_LEVEL);
    expect(table[191]).toBeCloseTo(0.0006097, 7);
    expect(table[37]).toBeCloseTo(1.02596, 5);
  });

  it('tabulates the radius of every usable index, falling with k', () => {
    const table = radiusTable(500, PAPER_LEVEL);
    expect(table).toHaveLength(192);
    table.forEach((epsilon, i) => {
      expect(orderStatisticEpsilon(i + 1, 500, PAPER_LEVEL)).toMatchObject({ epsilonOverSigma: epsilon });
      if (i > 0) expect(epsilon).toBeLessThan(table[i - 1]);
    });
    expect(orderStatisticEpsilon(193, 500, PAPER_LEVEL).outcome).toBe('unusable');
  });

  it('names the smallest number of draws at which some index serves', () => {
    for (const level of [0.3, 0.01, 1e-4, PAPER_LEVEL, 1e-6 / 1280]) {
      const smallest = smallestDrawsThatCertify(level);
      expect(largestUsableIndex(smallest, level)).toBe(1);
      expect(largestUsableIndex(smallest - 1, level)).toBeNull();
      expect(radiusTable(smallest - 1, level)).toHaveLength(0);
    }
    // 1 − α'^(1/n) ≤ 1/2 iff n ≥ log2(1/α').
    expect(smallestDrawsThatCertify(PAPER_LEVEL)).toBe(Math.ceil(Math.log2(1280e4)));
  });

  it('names the smallest number of draws that can prove a majority', () => {
    for (const alpha of [0.3, 0.01, 1e-4, 1e-4 / 10]) {
      const smallest = smallestDrawsForLabel(alpha);
      expect(smallest).toBe(Math.ceil(-Math.log2(alpha)));
      expect(clopperPearsonLower(smallest, smallest, alpha)).toBeGreaterThan(0.5);
    }
    // α = 1/2 exactly: one draw gives a bound of 1/2, which is not above it.
    expect(smallestDrawsForLabel(0.5)).toBe(2);
  });

  it('takes the middle draw, or the mean of the middle two', () => {
    expect(medianOfSorted(Float32Array.of(1, 2, 9))).toBe(2);
    expect(medianOfSorted(Float32Array.of(1, 2, 4, 9))).toBe(3);
    expect(medianOfSorted(Float32Array.of(7))).toBe(7);
  });

  it("covers, in integers: the tail at q_k is at most α'", () => {
    for (const [draws, level] of [
      [20, 0.05],
      [41, 1e-3],
      [500, PAPER_LEVEL],
    ] as const) {
      for (const k of [1, 2, largestUsableIndex(draws, level)! - 1, largestUsableIndex(draws, level)!]) {
        const { qUpper } = orderStatisticEpsilon(k, draws, level);
        // z_(k) is above the median at x' iff fewer than k draws are below it; each is with probability Φ(−ε/σ) = q.
        expect(isAtMost(binomialLowerTail(k, draws, exactly(qUpper)), exactly(level))).toBe(true);
        expect(isAtMost(binomialLowerTail(k, draws, exactly(qUpper * (1 - 1e-10))), exactly(level))).toBe(false);
      }
      const next = largestUsableIndex(draws, level)! + 1;
      expect(isAtMost(binomialLowerTail(next, draws, exactly(0.5)), exactly(level))).toBe(false);
    }
  });

  it("has radius −Φ⁻¹(1 − α'^(1/n)) at k = 1, rounded down", () => {
    for (const [draws, level] of [
      [20, 0.05],
      [500, PAPER_LEVEL],
      [10_000, 1e-6],
    ] as const) {
      const q = -Math.expm1(Math.log(level) / draws);
      const statistic = orderStatisticEpsilon(1, draws, level);
      const epsilon = statistic.outcome === 'usable' ? statistic.epsilonOverSigma : NaN;
      // Φ(−ε) moves by ε + 1/ε times what ε moves, relatively; some 50 roundings in all.
      expect(normalCdf(-epsilon)).toBeGreaterThan(q);
      expect(normalCdf(-epsilon)).toBeLessThan(q * (1 + 2000 * Number.EPSILON));
    }
  });

  it('radius falls with the index and grows with the level', () => {
    fc.assert(
      fc.property(fc.integer({ min: 30, max: 800 }), fc.constantFrom(0.05, 1e-3, 1e-8), (draws, level) => {
        const [strict, loose] = [radiusTable(draws, level / 2), radiusTable(draws, level)];
        expect(loose.length).toBeGreaterThanOrEqual(strict.length);
        loose.forEach((epsilon, i) => {
          expect(epsilon).toBeGreaterThanOrEqual(0);
          if (i > 0) expect(epsilon).toBeLessThan(loose[i - 1]);
          if (i < strict.length) expect(epsilon).toBeGreaterThan(strict[i]);
        });
      }),
      { seed: 1, numRuns: 20 },
    );
  });
});
