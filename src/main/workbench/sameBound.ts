/** Far above what rounding does to the sums behind a margin, far below what anybody reads of one. */
const CLOSE = 1e-9;

/**
 * Whether two bounds on a margin are the same but for the order in which their sums were added up, which another version of the
 * program may choose otherwise. The verdict itself is always that of the bound computed now.
 */
export function isSameBound(a: number, b: number): boolean {
  return Object.is(a, b) || Math.abs(a - b) <= CLOSE * Math.max(1, Math.abs(a), Math.abs(b));
}
