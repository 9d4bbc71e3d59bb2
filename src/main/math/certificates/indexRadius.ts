import { orderStatisticEpsilon, smallestDrawsThatCertify } from '../orderStatistics.ts';

/**
 * ε_k/σ of a box certificate, rounded down.
 * @throws RangeError for an index that does not serve at this level, naming the smallest n for which one does
 */
export function radiusOverSigmaOfIndex(
  operation: string,
  k: number,
  { draws, level }: { readonly draws: number; readonly level: number },
): number {
  const statistic = orderStatisticEpsilon(k, draws, level);
  if (statistic.outcome === 'usable') return statistic.epsilonOverSigma;
  throw new RangeError(
    `${operation}: got index ${k} of ${draws} draws, whose q is up to ${statistic.qUpper}, expected q ≤ 1/2 at level ${level} for each bound; ` +
      `choose a smaller index, which exists from ${smallestDrawsThatCertify(level)} draws on`,
  );
}
