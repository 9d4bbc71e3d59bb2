import { describe, expect, it } from 'vitest';
import { normalCdf, normalQuantile, normalQuantileLower, normalQuantileUpper } from '../../src/main/math/normal.ts';
import { wilsonInterval } from '../../src/main/math/wilson.ts';
import { fixture } from './fixture.ts';

interface NormalCases {
  readonly quantiles: { readonly p: number; readonly z: number }[];
  readonly cdf: { readonly x: number; readonly p: number }[];
}
const { quantiles, cdf } = fixture('normal') as NormalCases;

describe('standard normal', () => {
  it.each(quantiles)('quantile at p = $p is within 16 roundings', ({ p, z }) => {
    expect(Math.abs(normalQuantile(p) - z)).toBeLessThanOrEqual(16 * Number.EPSILON * Math.abs(z));
  });

  it.each(quantiles)('directed quantiles enclose the truth at p = $p', ({ p, z }) => {
    const [lower, upper] = [normalQuantileLower(p), normalQuantileUpper(p)];
    if (p === 0.5) {
      expect([lower, upper]).toEqual([0, 0]);
    } else {
      expect(lower).toBeLessThan(z);
      expect(upper).toBeGreaterThan(z);
      expect(upper - lower).toBeLessThan(1e-13 * Math.abs(z));
    }
  });

  it.each(cdf)('distribution function at x = $x', ({ x, p }) => {
    // The exponent x²/2 is rounded by EPS/2, relatively; the rest is some twenty roundings.
    const roundings = 40 + x * x;
    expect(Math.abs(normalCdf(x) - p)).toBeLessThanOrEqual(roundings * Number.EPSILON * p);
  });
});

describe('Wilson interval', () => {
  interface WilsonCase {
    readonly successes: number;
    readonly trials: number;
    readonly confidence: number;
    readonly lower: number;
    readonly upper: number;
  }

  it.each(fixture('wilson') as WilsonCase[])(
    '$successes of $trials at $confidence',
    ({ successes, trials, confidence, lower, upper }) => {
      const interval = wilsonInterval(successes, trials, confidence);
      expect(interval.lower).toBeCloseTo(lower, 13);
      expect(interval.upper).toBeCloseTo(upper, 13);
    },
  );

  it('is at 95 % unless given', () => {
    expect(wilsonInterval(13, 200)).toEqual(wilsonInterval(13, 200, 0.95));
  });
});
