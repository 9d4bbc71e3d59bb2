import { EPS } from './rounding.ts';

/** Both tails of a Beta(a, b) variable X at x, with bounds on their absolute errors. */
export interface BetaTails {
  /** P(X ≤ x), the regularised incomplete beta I_x(a, b) */
  readonly lower: number;
  readonly lowerError: number;
  /** P(X ≥ x) */
  readonly upper: number;
  readonly upperError: number;
  /** Density of X at x */
  readonly density: number;
}

/**
 * Regularised incomplete beta for positive integer parameters, which are all that order statistics and
 * Clopper–Pearson bounds need: I_x(a, b) = P(Bin(a + b − 1, x) ≥ a). The smaller tail is its first binomial term,
 * by Loader's saddle-point form (2000), times a sum of positive decreasing terms; nothing cancels, so the error bound
 * is the sum of what the operations can lose. Relative error of the smaller tail: about 1e-14 at a + b = 500, 1e-11 at 1e5.
 * @throws RangeError if x is outside [0, 1] or a parameter is not a positive integer
 */
export function betaTails(x: number, a: number, b: number): BetaTails {
  if (!(x >= 0 && x <= 1)) {
    throw new RangeError(`incomplete beta: got x = ${x}, expected a number in [0, 1]; pass a probability`);
  }
  requireBetaParameters('incomplete beta', a, b);
  if (x === 0 || x === 1) {
    const density = x === 0 ? (a === 1 ? b : 0) : b === 1 ? a : 0;
    return { lower: x, lowerError: 0, upper: 1 - x, upperError: 0, density };
  }
  // 1 − x is exact for x ≥ 1/2 and within EPS/2 of the truth, relatively, below.
  const y = 1 - x;
  if ((b - 1) * x <= (a + 1) * y) {
    const { value, error, first } = binomialTail(x, y, a, a + b - 1);
    return { lower: value, lowerError: error, upper: 1 - value, upperError: error + EPS, density: (a * first) / x };
  }
  const { value, error, first } = binomialTail(y, x, b, a + b - 1);
  return { lower: 1 - value, lowerError: error + EPS, upper: value, upperError: error, density: (b * first) / y };
}

interface BinomialTail {
  /** P(Bin(trials, p) ≥ count) */
  readonly value: number;
  /** bound on the absolute error of `value` */
  readonly error: number;
  /** P(Bin(trials, p) = count) */
  readonly first: number;
}

/** Requires (trials − count)·p ≤ (count + 1)·q, where the terms decrease from the first on. */
function binomialTail(p: number, q: number, count: number, trials: number): BinomialTail {
  const { value: first, relativeError } = binomialTerm(p, q, count, trials);
  let term = 1;
  let sum = 1;
  let terms = 0;
  for (let i = count; i < trials; i++) {
    const ratio = ((trials - i) * p) / ((i + 1) * q);
    term *= ratio;
    sum += term;
    terms += 1;
    // Ratios fall, so what is left out is at most a geometric series.
    if (term * ratio <= EPS * sum * (1 - ratio)) break;
  }
  // Five roundings in each ratio, one in the product, one in the sum, one for the truncated rest.
  const error = first * sum * (relativeError + (8 * terms + 4) * EPS) + SMALLEST_TERM;
  return { value: first * sum, error, first };
}

/** Below this a term may have lost digits to underflow. */
const SMALLEST_TERM = 2 ** -1000;

/** P(Bin(trials, p) = count) for 1 ≤ count ≤ trials, and a bound on its relative error; q = 1 − p. */
function binomialTerm(p: number, q: number, count: number, trials: number): { value: number; relativeError: number } {
  if (count === trials) {
    // Of p and q the one below 1/2 is exact.
    const exponent = trials * (p < 0.5 ? Math.log(p) : Math.log1p(-q));
    return { value: Math.exp(exponent), relativeError: EPS * (4 - 3 * exponent) };
  }
  const rest = trials - count;
  const deviances = deviance(count, trials * p) + deviance(rest, trials * q);
  const exponent = stirlingError(trials) - stirlingError(count) - stirlingError(rest) - deviances;
  const value = Math.exp(exponent) * Math.sqrt(trials / (2 * Math.PI * count * rest));
  // A mean rounded by EPS moves its deviance by EPS·|count − mean|; see `deviance` for the constants.
  const distance = Math.abs(count - trials * p) + Math.abs(rest - trials * q);
  return { value, relativeError: EPS * (128 + 8 * deviances + 32 * distance) };
}

/**
 * Loader's bd0: count·log(count/mean) + mean − count ≥ 0, without cancellation where the two are near. Absolute
 * error at most EPS·(4·value + 32·|count − mean|): in the second form count + mean is at most ten times the distance.
 */
function deviance(count: number, mean: number): number {
  const difference = count - mean;
  if (Math.abs(difference) >= 0.1 * (count + mean)) return count * Math.log(count / mean) - difference;
  const v = difference / (count + mean);
  let sum = difference * v;
  let power = 2 * count * v;
  for (let odd = 3; ; odd += 2) {
    power *= v * v;
    const next = sum + power / odd;
    if (next === sum) return sum;
    sum = next;
  }
}

/** The Stirling series serves from here on: its next term is below 1e-17. */
const STIRLING_FROM = 16;

/** log Γ(x + 1) − log(√(2πx)·(x/e)^x), for x ≥ 1; absolute error below 32·EPS. */
function stirlingError(x: number): number {
  let shifted = x;
  let error = 0;
  for (; shifted < STIRLING_FROM; shifted++) error += (shifted + 0.5) * Math.log1p(1 / shifted) - 1;
  const s = 1 / (shifted * shifted);
  const series = 1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * (691 / 360360)))));
  return error + series / shifted;
}

/** Refuses parameters other than the positive integers of this module. */
export function requireBetaParameters(operation: string, a: number, b: number): void {
  if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b) || a < 1 || b < 1) {
    throw new RangeError(
      `${operation}: got parameters a = ${a} and b = ${b}, expected positive integers; pass counts of successes and failures`,
    );
  }
}
