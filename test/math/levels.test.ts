import { describe, expect, it } from 'vitest';
import {
  effectiveLogitTest,
  labelLevel,
  logitLevel,
  pairwiseLevel,
  representationLevel,
} from '../../src/main/math/levels.ts';

/**
 * What METHOD.md §4 lets a certificate spend. `events`: ways to fail, each of which is given `bounds` one-sided bounds at the
 * level. They share out α: level·bounds·events = α.
 */
const BUDGETS = ([2, 3, 10, 640] as const).flatMap((size) =>
  ([0.1, 1e-4] as const).flatMap((alpha) => {
    const separate = { alpha, selection: 'separate' } as const;
    const shared = { alpha, selection: 'shared' } as const;
    const dimension = { dimension: size };
    const classes = { classes: size };
    return [
      // One bound; a class from the same draws may be any of K.
      { of: 'label, separate', level: labelLevel({ ...separate, ...classes }), bounds: 1, events: 1 },
      { of: 'label, shared', level: labelLevel({ ...shared, ...classes }), bounds: 1, events: size },
      // Intersection–union: the one duel that should be lost.
      { of: 'pairwise, separate', level: pairwiseLevel({ ...separate, ...classes }), bounds: 1, events: 1 },
      { of: 'pairwise, shared', level: pairwiseLevel({ ...shared, ...classes }), bounds: 1, events: size },
      // Both sides of D coordinates; shared, a wrong class is a second way to fail.
      {
        of: 'representation, separate',
        level: representationLevel({ ...separate, ...dimension }),
        bounds: 2 * size,
        events: 1,
      },
      {
        of: 'representation, shared',
        level: representationLevel({ ...shared, ...dimension }),
        bounds: 2 * size,
        events: 2,
      },
      // One bound of the class and one of the rival that should win.
      {
        of: 'logit pairs, separate',
        level: logitLevel({ ...separate, ...classes, logitTest: 'pairs' }),
        bounds: 2,
        events: 1,
      },
      {
        of: 'logit bonferroni, separate',
        level: logitLevel({ ...separate, ...classes, logitTest: 'bonferroni' }),
        bounds: 2 * size,
        events: 1,
      },
      // No intersection–union test for a class from the same draws.
      {
        of: 'logit pairs, shared',
        level: logitLevel({ ...shared, ...classes, logitTest: 'pairs' }),
        bounds: 2 * size,
        events: 2,
      },
      {
        of: 'logit bonferroni, shared',
        level: logitLevel({ ...shared, ...classes, logitTest: 'bonferroni' }),
        bounds: 2 * size,
        events: 2,
      },
    ].map((budget) => ({ ...budget, size, alpha }));
  }),
);

describe('levels', () => {
  it.each(BUDGETS)('$of: $events × $bounds bounds share out α = $alpha', ({ level, bounds, events, alpha }) => {
    // Two divisions, each rounded to nearest.
    expect(Math.abs(level * bounds * events - alpha)).toBeLessThanOrEqual(2 * Number.EPSILON * alpha);
  });

  it('a class from the same draws never gets a larger level than one from draws of its own', () => {
    for (const { of, size, alpha, level } of BUDGETS) {
      const [method, selection] = of.split(', ');
      if (selection !== 'shared') continue;
      const separate = BUDGETS.find((b) => b.of === `${method}, separate` && b.size === size && b.alpha === alpha)!;
      expect(level).toBeLessThan(separate.level);
    }
  });

  it('tests pairs of logits only for a class chosen apart', () => {
    expect(effectiveLogitTest('separate', 'pairs')).toBe('pairs');
    expect(effectiveLogitTest('separate', 'bonferroni')).toBe('bonferroni');
    expect(effectiveLogitTest('shared', 'pairs')).toBe('bonferroni');
    expect(effectiveLogitTest('shared', 'bonferroni')).toBe('bonferroni');
  });
});
