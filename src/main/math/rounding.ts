/**
 * Directed rounding for certificates (METHOD.md §4): every bound is moved outward by more than the rounding error it
 * can carry, so that an error can only cost a certificate.
 */

/** Spacing of doubles at 1; an operation rounded to nearest is within half of it, relatively. */
export const EPS = Number.EPSILON;

/** Covers products that underflow; far below any quantity of a certificate. */
const UNDERFLOW = 2 ** -1000;

/**
 * Upper bound on the rounding error of a sum of products in any order (Higham 2002, §3.1): γ_m·Σ|terms| with
 * γ_m ≈ m·EPS/2. Twice that is taken, which also covers the rounding of Σ|terms| itself and of applying the bound.
 * @param operations terms of the sum plus the roundings inside one term
 */
export function sumError(operations: number, absoluteSum: number): number {
  return (operations + 2) * EPS * absoluteSum + UNDERFLOW;
}

/**
 * A lower bound on the true value, given that `value` is within (ulps − 1/2)·EPS of it, relatively: the subtraction here is
 * rounded too. One operation rounded to nearest is within EPS/2, so 1 covers it.
 */
export function roundedDown(value: number, ulps: number): number {
  return value - (Math.abs(value) * ulps * EPS + UNDERFLOW);
}

/** An upper bound on the true value, as `roundedDown` is a lower one. */
export function roundedUp(value: number, ulps: number): number {
  return value + (Math.abs(value) * ulps * EPS + UNDERFLOW);
}
