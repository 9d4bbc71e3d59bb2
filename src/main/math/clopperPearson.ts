import { betaQuantileLower } from './betaQuantile.ts';

/**
 * One-sided lower bound on a binomial probability, rounded down: BetaInv(α; k, n − k + 1), 0 at k = 0 (Clopper &
 * Pearson 1934). For every p, over the n independent trials, P(bound > p) ≤ α.
 * @param successes k, an integer in [0, n]
 * @param trials n, a positive integer
 * @param alpha failure probability, in [1e-250, 1)
 * @throws RangeError for other arguments
 */
export function clopperPearsonLower(successes: number, trials: number, alpha: number): number {
  if (!Number.isSafeInteger(trials) || trials < 1) {
    throw new RangeError(
      `Clopper–Pearson bound: got ${trials} trials, expected a positive integer; pass the number of draws`,
    );
  }
  if (!Number.isSafeInteger(successes) || successes < 0 || successes > trials) {
    throw new RangeError(
      `Clopper–Pearson bound: got ${successes} successes, expected an integer from 0 to the ${trials} trials; recount them`,
    );
  }
  return successes === 0 ? 0 : betaQuantileLower(alpha, successes, trials - successes + 1);
}
