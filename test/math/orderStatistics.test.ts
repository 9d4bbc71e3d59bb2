import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clopperPearsonLower } from '../../src/main/math/clopperPearson.ts';
import {
  labelLevel,
  logitLevel,
  effectiveLogitTest,
  pairwiseLevel,
  representationLevel,
} from '../../src/main/math/levels.ts';
import {
  largestUsableIndex,
  medianOfSorted,
  orderStatisticEpsilon,
  radiusTable,
  smallestDrawsForLabel,
  smallestDrawsThatCertify,
} from '../../src/main/math/orderStatistics.ts';

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

  it('Clopper–Pearson bound grows with the successes and stays below the share', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.double({ min: 0, max: 1, noNaN: true }), (trials, share) => {
        const successes = Math.max(1, Math.round(share * trials));
        const bound = clopperPearsonLower(successes, trials, 1e-4);
        expect(bound).toBeLessThan(successes / trials);
        expect(bound).toBeGreaterThan(clopperPearsonLower(successes - 1, trials, 1e-4));
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe('levels', () => {
  const separate = { alpha: 0.01, selection: 'separate' } as const;
  const shared = { alpha: 0.01, selection: 'shared' } as const;

  it.each([
    ['label', labelLevel({ ...separate, classes: 10 }), 0.01],
    ['label, shared', labelLevel({ ...shared, classes: 10 }), 0.001],
    ['pairwise', pairwiseLevel({ ...separate, classes: 10 }), 0.01],
    ['pairwise, shared', pairwiseLevel({ ...shared, classes: 10 }), 0.001],
    ['representation', representationLevel({ ...separate, dimension: 50 }), 1e-4],
    ['representation, shared', representationLevel({ ...shared, dimension: 50 }), 5e-5],
    ['logit pairs', logitLevel({ ...separate, classes: 10, logitTest: 'pairs' }), 0.005],
    ['logit bonferroni', logitLevel({ ...separate, classes: 10, logitTest: 'bonferroni' }), 5e-4],
    ['logit bonferroni, shared', logitLevel({ ...shared, classes: 10, logitTest: 'bonferroni' }), 2.5e-4],
    ['logit pairs, shared', logitLevel({ ...shared, classes: 10, logitTest: 'pairs' }), 2.5e-4],
  ])('%s', (_, level, expected) => {
    expect(level).toBe(expected);
  });

  it('tests pairs of logits only for a class chosen apart', () => {
    expect(effectiveLogitTest('separate', 'pairs')).toBe('pairs');
    expect(effectiveLogitTest('shared', 'pairs')).toBe('bonferroni');
  });
});
