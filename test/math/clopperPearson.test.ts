import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clopperPearsonLower } from '../../src/main/math/clopperPearson.ts';
import { binomialUpperTail, exactly, isAtMost, type Dyadic } from './binomial.ts';

const ALPHAS = [0.3, 0.1, 0.01, 1e-4, 1e-4 / 1280] as const;

describe('Clopper–Pearson bound', () => {
  it.each(ALPHAS)(
    'is tight in integers for n ≤ 24: the tail at the bound is at most α, just above it is more, α = %d',
    (alpha) => {
      for (let trials = 1; trials <= 24; trials++) {
        for (let successes = 1; successes <= trials; successes++) {
          const bound = clopperPearsonLower(successes, trials, alpha);
          const tailAt = (p: number): Dyadic => binomialUpperTail(successes, trials, exactly(p));
          expect(isAtMost(tailAt(bound), exactly(alpha))).toBe(true);
          expect(isAtMost(tailAt(bound * (1 + 1e-12)), exactly(alpha))).toBe(false);
        }
      }
    },
  );

  it.each(ALPHAS)('fails with probability at most α whatever p is, in integers, α = %d', (alpha) => {
    for (const trials of [1, 2, 7, 16]) {
      const bounds = Array.from({ length: trials + 1 }, (_, k) => clopperPearsonLower(k, trials, alpha));
      for (let i = 0; i <= 64; i++) {
        const p = i / 64;
        // The bound grows with k, so it is above p from some k on.
        const failing = bounds.findIndex((bound) => bound > p);
        if (failing < 0) continue;
        expect(isAtMost(binomialUpperTail(failing, trials, exactly(p)), exactly(alpha))).toBe(true);
      }
    }
  });

  it('is α^(1/n) at k = n and 1 − (1 − α)^(1/n) at k = 1, rounded down', () => {
    for (const alpha of ALPHAS) {
      for (const trials of [2, 24, 500, 100_000]) {
        for (const [successes, exact] of [
          [trials, alpha ** (1 / trials)],
          [1, -Math.expm1(Math.log1p(-alpha) / trials)],
        ]) {
          const bound = clopperPearsonLower(successes, trials, alpha);
          expect(bound).toBeLessThan(exact);
          expect(bound).toBeGreaterThan(exact * (1 - 1e-13));
        }
      }
    }
  });

  it('is 0 without a success, and never 1', () => {
    for (const trials of [1, 500, 2 ** 50]) {
      expect(clopperPearsonLower(0, trials, 1e-4)).toBe(0);
      expect(clopperPearsonLower(trials, trials, 0.999)).toBeLessThan(1);
    }
  });

  it('grows with the successes and with α, falls with the failures, and stays below the share', () => {
    const cases = fc.tuple(
      fc.integer({ min: 1, max: 3000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(0.1, 1e-4),
    );
    fc.assert(
      fc.property(cases, ([trials, share, alpha]) => {
        const successes = Math.max(1, Math.round(share * trials));
        const bound = clopperPearsonLower(successes, trials, alpha);
        expect(bound).toBeLessThan(successes / trials);
        expect(bound).toBeGreaterThan(clopperPearsonLower(successes - 1, trials, alpha));
        expect(bound).toBeGreaterThan(clopperPearsonLower(successes, trials + 1, alpha));
        expect(bound).toBeLessThan(clopperPearsonLower(successes, trials, 2 * alpha));
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
