import { normalQuantile } from './normal.ts';

/**
 * Wilson's score interval (1927) for a proportion, at 95 % unless given: what accuracies are reported with (METHOD.md
 * §4). An approximation for reading tables; no certificate rests on it.
 * @throws RangeError unless 0 ≤ successes ≤ trials, trials ≥ 1 and 0 < confidence < 1
 */
export function wilsonInterval(successes: number, trials: number, confidence = 0.95): { lower: number; upper: number } {
  if (
    !Number.isSafeInteger(trials) ||
    trials < 1 ||
    !Number.isSafeInteger(successes) ||
    successes < 0 ||
    successes > trials
  ) {
    throw new RangeError(
      `Wilson interval: got ${successes} successes in ${trials} trials, expected integers with 0 ≤ successes ≤ trials and at least 1 trial; recount them`,
    );
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(
      `Wilson interval: got confidence ${confidence}, expected a number in (0, 1); pass for example 0.95`,
    );
  }
  const z = normalQuantile((1 + confidence) / 2);
  const share = successes / trials;
  const spread = (z * z) / trials;
  const centre = (share + spread / 2) / (1 + spread);
  const halfWidth = (z * Math.sqrt((share * (1 - share)) / trials + spread / (4 * trials))) / (1 + spread);
  // At the ends the two terms are equal, and rounding must not leave [0, 1].
  return {
    lower: successes === 0 ? 0 : centre - halfWidth,
    upper: successes === trials ? 1 : centre + halfWidth,
  };
}
