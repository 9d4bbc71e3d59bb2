import { betaTails, requireBetaParameters } from './incompleteBeta.ts';
import { EPS, roundedDown, roundedUp } from './rounding.ts';

type Side = 'lower' | 'upper';

/**
 * A lower bound on the point x with P(X ≤ x) = lowerTail, X ~ Beta(a, b): the quantile rounded down (METHOD.md §4). The
 * answer was checked against the tail with the tail's error bound, so the true quantile is never below it.
 * @param lowerTail in [1e-250, 1)
 * @param a positive integer
 * @param b positive integer
 * @throws RangeError for other arguments
 */
export function betaQuantileLower(lowerTail: number, a: number, b: number): number {
  requireTail('beta quantile, rounded down', lowerTail);
  requireBetaParameters('beta quantile, rounded down', a, b);
  if (b === 1) return roundedDown(Math.exp(Math.log(lowerTail) / a), 4 - (2 * Math.log(lowerTail)) / a);
  if (a === 1) return roundedDown(-Math.expm1(Math.log1p(-lowerTail) / b), 8);
  return outward('lower', lowerTail, { a, b });
}

/**
 * An upper bound on the point x with P(X ≥ x) = upperTail, X ~ Beta(a, b): BetaInv(1 − upperTail; a, b) rounded up. It
 * takes the tail itself, since 1 − upperTail would lose the digits of a small one.
 * @param upperTail in [1e-250, 1)
 * @param a positive integer
 * @param b positive integer
 * @throws RangeError for other arguments
 */
export function betaQuantileUpper(upperTail: number, a: number, b: number): number {
  requireTail('beta quantile, rounded up', upperTail);
  requireBetaParameters('beta quantile, rounded up', a, b);
  if (a === 1) return Math.min(1, roundedUp(-Math.expm1(Math.log(upperTail) / b), 8));
  if (b === 1) return Math.min(1, roundedUp(Math.exp(Math.log1p(-upperTail) / a), 8));
  return outward('upper', upperTail, { a, b });
}

interface Parameters {
  readonly a: number;
  readonly b: number;
}

/** Moves the solution away from the mass until the tail beyond it is proved to be at most `tail`. */
function outward(side: Side, tail: number, { a, b }: Parameters): number {
  const direction = side === 'lower' ? -1 : 1;
  const solution = solve(side, tail, { a, b });
  const at = betaTails(solution, a, b);
  let step = EPS * solution + (side === 'lower' ? at.lowerError : at.upperError) / at.density;
  for (let x = solution; ; step *= 2) {
    x = Math.min(1, Math.max(0, x + direction * step));
    const tails = betaTails(x, a, b);
    const bound = side === 'lower' ? tails.lower + tails.lowerError : tails.upper + tails.upperError;
    if (bound * (1 + EPS) <= tail) return x;
  }
}

const MAX_STEPS = 200;

/** Where the tail is `tail`, about. Its accuracy is not relied upon. */
function solve(side: Side, tail: number, parameters: Parameters): number {
  // Far down a tail of 1e-100 and less, x itself spans too many powers of two for the first.
  const solution =
    iterate(side, tail, { ...parameters, by: 'x' }) ?? iterate(side, tail, { ...parameters, by: 'log x' });
  if (solution !== null) return solution;
  throw new Error(
    `internal: beta quantile: no convergence for tail ${tail}, a = ${parameters.a}, b = ${parameters.b} in ${MAX_STEPS} steps, expected about 10; report it`,
  );
}

/**
 * Newton's iteration on the logarithm of the tail, which is concave for a, b ≥ 1 in x and in log x, inside a bracket that bisects
 * whatever leaves it.
 * @returns null where it does not converge
 */
function iterate(side: Side, tail: number, { a, b, by }: Parameters & { readonly by: 'x' | 'log x' }): number | null {
  let left = 0;
  let right = 1;
  let x = a / (a + b);
  for (let step = 0; step < MAX_STEPS; step++) {
    const tails = betaTails(x, a, b);
    const value = side === 'lower' ? tails.lower : tails.upper;
    const isLeft = side === 'lower' ? value < tail : value > tail;
    if (isLeft) left = x;
    else right = x;
    const slope = side === 'lower' ? tails.density : -tails.density;
    const change = (Math.log(value / tail) * value) / slope;
    const newton = by === 'x' ? x - change : x * Math.exp(-change / x);
    const next = newton > left && newton < right ? newton : (left + right) / 2;
    if (Math.abs(next - x) <= 4 * EPS * x) return next;
    x = next;
  }
  return null;
}

/** Smaller tails would meet the underflow allowance of the tail's error bound. */
const SMALLEST_TAIL = 1e-250;

function requireTail(operation: string, tail: number): void {
  if (!(tail >= SMALLEST_TAIL && tail < 1)) {
    throw new RangeError(
      `${operation}: got tail probability ${tail}, expected one in [${SMALLEST_TAIL}, 1); choose another failure probability`,
    );
  }
}
