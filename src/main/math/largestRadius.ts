import { clopperPearsonLower } from './clopperPearson.ts';
import { normalQuantileLower } from './normal.ts';
import { roundedDown } from './rounding.ts';

/**
 * The radius of a certificate by votes whose every draw is for the class, σ·Φ⁻¹(level^(1/n)): no count of n draws certifies further
 * (METHOD.md §4). Normalised units, rounded down; 0 where n is too small to certify at all.
 * @throws RangeError as clopperPearsonLower
 */
export function largestRadiusByVotes({
  draws,
  sigma,
  level,
}: {
  readonly draws: number;
  readonly sigma: number;
  readonly level: number;
}): number {
  return Math.max(0, roundedDown(sigma * normalQuantileLower(clopperPearsonLower(draws, draws, level)), 1));
}
