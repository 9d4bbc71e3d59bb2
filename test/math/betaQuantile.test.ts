import { describe, expect, it } from 'vitest';
import { betaQuantileLower, betaQuantileUpper } from '../../src/main/math/betaQuantile.ts';
import { clopperPearsonLower } from '../../src/main/math/clopperPearson.ts';
import { betaTails } from '../../src/main/math/incompleteBeta.ts';
import { fixture } from './fixture.ts';

interface TailCase {
  readonly x: number;
  readonly a: number;
  readonly b: number;
  readonly lower: number;
  readonly upper: number;
}
interface QuantileCase {
  readonly n: number;
  readonly k: number;
  readonly alpha: number;
  readonly lower: number;
  readonly upper: number;
}

describe('incomplete beta', () => {
  const cases = fixture('tails') as TailCase[];

  it.each(cases)('holds its own error bound in both tails at x = $x, a = $a, b = $b', ({ x, a, b, lower, upper }) => {
    const tails = betaTails(x, a, b);
    // The reference itself is rounded by up to EPS/2.
    expect(Math.abs(tails.lower - lower)).toBeLessThanOrEqual(tails.lowerError + Number.EPSILON * lower);
    expect(Math.abs(tails.upper - upper)).toBeLessThanOrEqual(tails.upperError + Number.EPSILON * upper);
  });

  it('claims errors small enough to be of use, relative in the smaller tail', () => {
    for (const { x, a, b } of cases) {
      const { lower, upper, lowerError, upperError } = betaTails(x, a, b);
      expect(Math.min(lowerError / lower, upperError / upper)).toBeLessThan(1e-10);
    }
  });

  it('is a power where a parameter is 1', () => {
    expect(betaTails(0.25, 3, 1).lower).toBeCloseTo(0.015625, 15);
    expect(betaTails(0.25, 1, 3).upper).toBeCloseTo(0.421875, 15);
    expect(betaTails(0, 1, 3)).toEqual({ lower: 0, lowerError: 0, upper: 1, upperError: 0, density: 3 });
    expect(betaTails(1, 2, 1)).toEqual({ lower: 1, lowerError: 0, upper: 0, upperError: 0, density: 2 });
  });

  it('has the density of the closed form', () => {
    // Beta(2, 3): 12·x·(1 − x)²
    for (const x of [0.1, 0.4, 0.7]) expect(betaTails(x, 2, 3).density).toBeCloseTo(12 * x * (1 - x) ** 2, 13);
  });
});

describe('beta quantiles with directed rounding', () => {
  const cases = fixture('quantiles') as QuantileCase[];
  /** The relative error of the tail, at most 1e-10, over the tail's elasticity, which is above 1. */
  const TOLERANCE = 1e-10;

  it.each(cases)('rounds down at n = $n, k = $k, α = $alpha', ({ n, k, alpha, lower }) => {
    const bound = betaQuantileLower(alpha, k, n - k + 1);
    // The reference is the last double below the true quantile.
    expect(bound).toBeLessThanOrEqual(lower);
    expect(bound).toBeGreaterThan(lower * (1 - TOLERANCE));
  });

  it.each(cases)('rounds up at n = $n, k = $k, α = $alpha', ({ n, k, alpha, upper }) => {
    const bound = betaQuantileUpper(alpha, k, n - k + 1);
    // The reference is the first double above it.
    expect(bound).toBeGreaterThanOrEqual(upper);
    expect(bound).toBeLessThan(upper * (1 + TOLERANCE));
  });

  it.each([1e-2, 1e-4, 1e-6 / 1280])('is α^(1/n) at k = n, from the safe side, α = %d', (alpha) => {
    for (const n of [1, 10, 500, 100_000]) {
      const exact = alpha ** (1 / n);
      const bound = clopperPearsonLower(n, n, alpha);
      expect(bound).toBeLessThan(exact);
      expect(bound).toBeGreaterThan(exact * (1 - 1e-13));
      // By symmetry P(X ≥ x) = (1 − x)^n at k = 1.
      const upper = betaQuantileUpper(alpha, 1, n);
      expect(upper).toBeGreaterThan(-Math.expm1(Math.log(alpha) / n));
      expect(upper).toBeLessThan(-Math.expm1(Math.log(alpha) / n) * (1 + 1e-13));
    }
  });

  it('agrees with its closed forms at the other edges, a = 1 below and b = 1 above', () => {
    for (const n of [3, 500, 100_000]) {
      const lower = betaQuantileLower(1e-4, 1, n);
      expect(betaTails(lower, 1, n).lower).toBeLessThanOrEqual(1e-4);
      expect(betaTails(lower * (1 + 1e-9), 1, n).lower).toBeGreaterThan(1e-4);
      const upper = betaQuantileUpper(1e-4, n, 1);
      expect(betaTails(upper, n, 1).upper).toBeLessThanOrEqual(1e-4 * (1 + 1e-9));
      expect(upper).toBeLessThan(1);
    }
  });

  it.each([1e-250, 9.845080430537483e-189, 1e-100])('converges however small the tail is: %d', (tail) => {
    for (const n of [2, 9, 500]) {
      for (const k of [1, 3, Math.ceil(n / 2), n].filter((count) => count <= n)) {
        const lower = betaQuantileLower(tail, k, n - k + 1);
        // Which side it lies on to the last digit is for 50 digits to say: torture/attacks/rounding.ts.
        expect(betaTails(lower, k, n - k + 1).lower).toBeLessThanOrEqual(tail * (1 + 1e-11));
        expect(betaTails(lower * (1 + 1e-9), k, n - k + 1).lower).toBeGreaterThan(tail);
        expect(betaTails(betaQuantileUpper(tail, k, n - k + 1), k, n - k + 1).upper).toBeLessThanOrEqual(
          tail * (1 + 1e-9),
        );
      }
    }
  });

  it('bounds nothing from no successes', () => {
    expect(clopperPearsonLower(0, 100, 1e-4)).toBe(0);
  });
});
