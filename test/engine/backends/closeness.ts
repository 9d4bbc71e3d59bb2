import { expect } from 'vitest';

export const FLOAT32_EPSILON = 2 ** -23;

/**
 * Expects values that were summed in another order: a sum of `terms` products is off by at most ε of the largest value
 * for each, in whatever order; where sums feed sums, `terms` is the length of all on the longest path together. What is
 * not finite must be the same.
 */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, terms: number): void {
  expect(actual.length).toBe(expected.length);
  const pairs = Array.from(expected, (value, i) => [actual[i], value] as const);
  const finite = pairs.filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b));
  for (const [a, b] of pairs) if (!Number.isFinite(a) || !Number.isFinite(b)) expect(a).toBe(b);
  const largest = Math.max(0, ...finite.map(([, b]) => Math.abs(b)));
  const difference = Math.max(0, ...finite.map(([a, b]) => Math.abs(a - b)));
  expect(difference).toBeLessThanOrEqual(terms * FLOAT32_EPSILON * largest);
}
