import { describe, expect, it } from 'vitest';
import { mcnemarExact } from '../../src/main/math/mcnemar.ts';

describe('McNemar', () => {
  it.each([
    [-1, 2],
    [1.5, 2],
    [NaN, 0],
  ])('refuses %d and %d', (a, b) => {
    expect(() => mcnemarExact(a, b)).toThrow('expected integers ≥ 0');
  });

  it('is 1 where nothing differs, and 2^(1−n) where all that differ are one way', () => {
    expect(mcnemarExact(0, 0)).toBe(1);
    for (const n of [1, 5, 10, 50]) expect(mcnemarExact(0, n)).toBeCloseTo(2 ** (1 - n), 15);
  });

  it.each([
    // scipy 1.16: stats.binomtest(k, n, 0.5).pvalue
    [5, 15, 0.04138946533203125],
    [10, 12, 0.8318119049072266],
    [400, 500, 0.0009564441369189373],
  ])('of %i and %i instances is %d', (a, b, expected) => {
    expect(mcnemarExact(a, b)).toBeCloseTo(expected, 10);
    expect(mcnemarExact(b, a)).toBe(mcnemarExact(a, b));
  });
});
