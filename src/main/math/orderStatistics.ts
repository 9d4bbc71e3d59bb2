import { betaQuantileUpper } from './betaQuantile.ts';
import { clopperPearsonLower } from './clopperPearson.ts';
import { normalQuantileUpper } from './normal.ts';

/**
 * Order statistics as bounds on the median under a shifted Gaussian (Chiang et al. 2020; METHOD.md §4). For a scalar
 * feature with sorted draws z_(1) ≤ … ≤ z_(n), z_(k) is, with probability ≥ 1 − α', a lower bound on its median at
 * every input within ε_k = −σ·Φ⁻¹(q_k), where q_k = BetaInv(1 − α'; k, n − k + 1); z_(n+1−k) is an upper bound alike.
 */
export type OrderStatisticEpsilon =
  | {
      readonly outcome: 'usable';
      readonly qUpper: number;
      /** ε_k in units of σ, rounded down */ readonly epsilonOverSigma: number;
    }
  /** q_k is not proved to be ≤ 1/2: the statistic does not even bound the median at the input itself. */
  | { readonly outcome: 'unusable'; readonly qUpper: number };

/**
 * @param k index of the order statistic, an integer with 1 ≤ k ≤ n/2
 * @param draws n
 * @param alphaPerBound α', failure probability of this one bound
 * @throws RangeError for an index outside 1 … n/2
 */
export function orderStatisticEpsilon(k: number, draws: number, alphaPerBound: number): OrderStatisticEpsilon {
  requireDraws('order statistic', draws);
  if (!Number.isSafeInteger(k) || k < 1 || 2 * k > draws) {
    throw new RangeError(
      `order statistic: got index ${k} of ${draws} draws, expected an integer from 1 to ${Math.floor(draws / 2)}; choose another index or more draws`,
    );
  }
  const qUpper = betaQuantileUpper(alphaPerBound, k, draws - k + 1);
  if (qUpper > 0.5) return { outcome: 'unusable', qUpper };
  return { outcome: 'usable', qUpper, epsilonOverSigma: Math.max(0, -normalQuantileUpper(qUpper)) };
}

/** The largest k that serves, whose box is the smallest; null when the draws are too few for any. */
export function largestUsableIndex(draws: number, alphaPerBound: number): number | null {
  requireDraws('largest usable index', draws);
  let usable = 0;
  let unusable = Math.floor(draws / 2) + 1;
  while (unusable - usable > 1) {
    const middle = Math.floor((usable + unusable) / 2);
    if (orderStatisticEpsilon(middle, draws, alphaPerBound).outcome === 'usable') usable = middle;
    else unusable = middle;
  }
  return usable === 0 ? null : usable;
}

/**
 * ε_k/σ of every usable index, [largest usable k]: entry k − 1 belongs to k, and entries descend. Empty when the
 * draws are too few. A quantile each, so callers keep it for all instances of a run.
 */
export function radiusTable(draws: number, alphaPerBound: number): Float64Array {
  const table = new Float64Array(largestUsableIndex(draws, alphaPerBound) ?? 0);
  for (let k = 1; k <= table.length; k++) {
    const statistic = orderStatisticEpsilon(k, draws, alphaPerBound);
    if (statistic.outcome === 'unusable')
      throw new Error(`internal: radius table: index ${k} of ${draws} draws is unusable`);
    table[k - 1] = statistic.epsilonOverSigma;
  }
  return table;
}

/**
 * Median of draws in ascending order, [n]; the mean of the middle two when n is even, rounded to float32, which keeps it
 * between them.
 */
export function medianOfSorted(sorted: Float32Array): number {
  requireDraws('median', sorted.length);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle];
  return Math.fround((sorted[middle - 1] + sorted[middle]) / 2);
}

/** The smallest n for which some order statistic serves at this level: 1 − α'^(1/n) ≤ 1/2. */
export function smallestDrawsThatCertify(alphaPerBound: number): number {
  return smallestDraws(2, alphaPerBound, (n) => orderStatisticEpsilon(1, n, alphaPerBound).outcome === 'usable');
}

/** The smallest n for which n votes out of n prove a majority: α^(1/n) > 1/2. */
export function smallestDrawsForLabel(alpha: number): number {
  return smallestDraws(1, alpha, (n) => clopperPearsonLower(n, n, alpha) > 0.5);
}

/** Both conditions hold from about log2(1/α) draws on; the search starts just below. */
function smallestDraws(least: number, alpha: number, certifies: (draws: number) => boolean): number {
  let draws = least;
  if (alpha > 0 && alpha < 1) draws = Math.max(least, Math.floor(-Math.log2(alpha)) - 1);
  while (!certifies(draws)) draws += 1;
  return draws;
}

function requireDraws(operation: string, draws: number): void {
  if (!Number.isSafeInteger(draws) || draws < 1) {
    throw new RangeError(`${operation}: got ${draws} draws, expected a positive integer; draw at least once`);
  }
}
