import { describe, expect, it } from 'vitest';
import { labelVerdict } from '../../src/main/math/certificates/label.ts';
import {
  drawsForRadius,
  LARGEST_RADIUS,
  largestRadiusByOrder,
  largestRadiusByVotes,
} from '../../src/main/math/largestRadius.ts';
import { radiusTable } from '../../src/main/math/orderStatistics.ts';

it('refuses what is no number of draws or level', () => {
  expect(() => largestRadiusByVotes({ draws: 0, sigma: 1, level: 0.1 })).toThrow('0 trials');
  expect(() => largestRadiusByOrder({ draws: 2.5, sigma: 1, level: 0.1 })).toThrow('2.5 draws');
  const request = {
    draws: 9,
    sigma: 1,
    selection: 'separate',
    logitTest: 'pairs',
    classes: 10,
    dimension: 64,
    noise: 'float32',
    inputs: 0,
  } as const;
  for (const method of Object.values(LARGEST_RADIUS)) expect(() => method({ ...request, alpha: 1 })).toThrow('alpha 1');
});

it.each([
  // σ·Φ⁻¹(α^(1/n)), scipy 1.16: stats.norm.ppf(alpha ** (1 / n)).
  [1000, 1, 0.001, 2.4632626147808114],
  [500, 0.1, 1e-4, 0.2091267248897006],
  [100_000, 0.25, 0.001, 0.9528641408474786],
])('by votes: n = %i, σ = %d, level %d: %d', (draws, sigma, level, expected) => {
  expect(largestRadiusByVotes({ draws, sigma, level })).toBeCloseTo(expected, 9);
});

it.each([
  // −σ·Φ⁻¹(1 − level^(1/n)), mpmath with 40 digits.
  [500, 0.1, 1e-4 / 256, 0.189449245975026],
  [1000, 1, 5e-4, 2.428912726010686],
  [100, 0.25, 1e-3, 0.3751187560301591],
])('by order statistics: n = %i, σ = %d, level %d: %d', (draws, sigma, level, expected) => {
  const radius = largestRadiusByOrder({ draws, sigma, level });
  expect(radius).toBeCloseTo(expected, 9);
  // A certificate: never more than what is true.
  expect(radius).toBeLessThanOrEqual(expected);
  expect(radius).toBeCloseTo(sigma * radiusTable(draws, level)[0], 12);
});

it('is 0 where n is too small, and that of a certificate with every vote', () => {
  expect(largestRadiusByVotes({ draws: 5, sigma: 1, level: 1e-4 })).toBe(0);
  expect(largestRadiusByOrder({ draws: 5, sigma: 1, level: 1e-4 })).toBe(0);
  expect(largestRadiusByOrder({ draws: 1, sigma: 1, level: 0.4 })).toBe(0);
  const draws = {
    draws: 500,
    sigma: 0.1,
    alpha: 1e-4,
    selectionDraws: 100,
    selection: 'separate',
    noise: 'float32',
    inputs: 0,
  } as const;
  const verdict = labelVerdict({ ...draws, counts: Int32Array.of(500, 0), selectionCounts: Int32Array.of(100, 0) });
  expect(verdict).toMatchObject({ radiusNormalised: largestRadiusByVotes({ ...draws, level: 1e-4 }) });
});

it('of a method is at its own level: a shared selection and many bounds cost radius', () => {
  const request = {
    draws: 500,
    sigma: 0.1,
    alpha: 1e-4,
    logitTest: 'pairs',
    classes: 10,
    dimension: 128,
    noise: 'float32',
    inputs: 0,
  } as const;
  const separate = { ...request, selection: 'separate' } as const;
  expect(LARGEST_RADIUS.label(separate)).toBe(largestRadiusByVotes({ ...request, level: 1e-4 }));
  expect(LARGEST_RADIUS.pairwise(separate)).toBe(LARGEST_RADIUS.label(separate));
  expect(LARGEST_RADIUS.logit(separate)).toBe(largestRadiusByOrder({ ...request, level: 1e-4 / 2 }));
  expect(LARGEST_RADIUS.representation(separate)).toBe(largestRadiusByOrder({ ...request, level: 1e-4 / 256 }));
  for (const method of Object.values(LARGEST_RADIUS)) {
    expect(method({ ...request, selection: 'shared' })).toBeLessThan(method(separate));
  }
});

describe('the draws for a radius', () => {
  const request = {
    sigma: 0.25,
    alpha: 1e-4,
    selection: 'separate',
    logitTest: 'pairs',
    classes: 10,
    dimension: 128,
    noise: 'float32',
    inputs: 0,
  } as const;

  it.each(['label', 'pairwise', 'logit', 'representation'] as const)('are the fewest that reach it: %s', (method) => {
    for (const radius of [0.1, 0.5, 0.65]) {
      const draws = drawsForRadius(method, request, radius)!;
      expect(LARGEST_RADIUS[method]({ ...request, draws })).toBeGreaterThanOrEqual(radius);
      expect(LARGEST_RADIUS[method]({ ...request, draws: draws - 1 })).toBeLessThan(radius);
    }
  });

  it('are those of α^(1/n) = Φ(r/σ), by hand: 2.5 σ at α = 1e-4', () => {
    // ln(1e-4) / ln Φ(2.5), Φ(2.5) = 0.9937903346742238.
    expect(drawsForRadius('label', request, 2.5 * 0.25)).toBe(Math.ceil(Math.log(1e-4) / Math.log(0.9937903346742238)));
  });

  it('are nothing that can be waited for at 8 σ', () => {
    expect(drawsForRadius('label', request, 2)).toBeNull();
  });
});
