/**
 * McNemar's exact test: two-sided p-value that two classifiers differ on the same instances, by the binomial of those on which one is right
 * and the other wrong (McNemar 1947, exact form). 1 where they never differ. For reading tables; no certificate rests on it.
 * @param onlyFirst instances that only the first gets right @param onlySecond likewise
 * @throws RangeError unless both are integers ≥ 0
 */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  if (![onlyFirst, onlySecond].every((count) => Number.isSafeInteger(count) && count >= 0)) {
    throw new RangeError(`McNemar: got ${onlyFirst} and ${onlySecond} instances, expected integers ≥ 0`);
  }
  const n = onlyFirst + onlySecond;
  const k = Math.min(onlyFirst, onlySecond);
  // Σ_{i ≤ k} C(n, i) / 2^n, term by term from the largest, so that nothing overflows.
  let logTerm = -n * Math.LN2;
  let tail = 0;
  for (let i = 0; i <= k; i++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log(n - i) - Math.log(i + 1);
  }
  return Math.min(1, 2 * tail);
}
