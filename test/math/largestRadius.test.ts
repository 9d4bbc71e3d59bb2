import { expect, it } from 'vitest';
import { labelVerdict } from '../../src/main/math/certificates/label.ts';
import { largestRadiusByVotes } from '../../src/main/math/largestRadius.ts';

it.each([
  // σ·Φ⁻¹(α^(1/n)), scipy 1.16: stats.norm.ppf(alpha ** (1 / n)).
  [1000, 1, 0.001, 2.4632626147808114],
  [500, 0.1, 1e-4, 0.20912672488970063],
  [100_000, 0.25, 0.001, 0.9528641408474786],
])('n = %i, σ = %d, level %d: %d', (draws, sigma, level, expected) => {
  expect(largestRadiusByVotes({ draws, sigma, level })).toBeCloseTo(expected, 9);
});

it('is 0 where n is too small, and that of a certificate with every vote', () => {
  expect(largestRadiusByVotes({ draws: 5, sigma: 1, level: 1e-4 })).toBe(0);
  const draws = { draws: 500, sigma: 0.1, alpha: 1e-4, selectionDraws: 100, selection: 'separate' as const };
  const verdict = labelVerdict({ ...draws, counts: Int32Array.of(500, 0), selectionCounts: Int32Array.of(100, 0) });
  expect(verdict).toMatchObject({ radiusNormalised: largestRadiusByVotes({ ...draws, level: 1e-4 }) });
});
