import { clopperPearsonLower } from './clopperPearson.ts';
import {
  labelLevel,
  logitLevel,
  pairwiseLevel,
  representationLevel,
  type LogitTest,
  type Selection,
} from './levels.ts';
import { radiusLeft, type NoiseKind } from './lattice/lattice.ts';
import { normalQuantileLower } from './normal.ts';
import { orderStatisticEpsilon } from './orderStatistics.ts';
import { roundedDown } from './rounding.ts';

/**
 * The radius of a certificate by votes whose every draw is for the class, σ·Φ⁻¹(level^(1/n)): no count of n draws certifies further
 * (METHOD.md §4). Normalised units, rounded down; 0 where n is too small to certify at all.
 * @throws RangeError as clopperPearsonLower
 */
export function largestRadiusByVotes({ draws, sigma, level }: Drawn): number {
  return Math.max(0, roundedDown(sigma * normalQuantileLower(clopperPearsonLower(draws, draws, level)), 1));
}

/**
 * The radius of a box between the least and the greatest draw, ε_1 = −σ·Φ⁻¹(1 − level^(1/n)): every other box of order statistics is
 * certified less far (METHOD.md §4). Normalised units, rounded down; 0 where n is too small to certify at all.
 * @throws RangeError as orderStatisticEpsilon
 */
export function largestRadiusByOrder({ draws, sigma, level }: Drawn): number {
  if (draws < 2) return 0;
  const widest = orderStatisticEpsilon(1, draws, level);
  return widest.outcome === 'usable' ? Math.max(0, roundedDown(sigma * widest.epsilonOverSigma, 1)) : 0;
}

interface Drawn {
  /** n */
  readonly draws: number;
  readonly sigma: number;
  /** Failure probability of one bound. */
  readonly level: number;
}

export interface RadiusRequest {
  readonly draws: number;
  readonly sigma: number;
  readonly alpha: number;
  readonly selection: Selection;
  readonly logitTest: LogitTest;
  /** K */
  readonly classes: number;
  /** D */
  readonly dimension: number;
  readonly noise: NoiseKind;
  /** d, values of one input; 0 for `float32` */
  readonly inputs: number;
}

/** What rounding to a lattice leaves of a radius. */
const afterLattice = (radius: number, request: RadiusRequest): number => Math.max(0, radiusLeft(radius, request));

/** The largest radius that each method can prove with n draws at α, whatever the model is. Normalised units. */
export const LARGEST_RADIUS = {
  label: (request) => afterLattice(largestRadiusByVotes({ ...request, level: labelLevel(request) }), request),
  pairwise: (request) => afterLattice(largestRadiusByVotes({ ...request, level: pairwiseLevel(request) }), request),
  logit: (request) => afterLattice(largestRadiusByOrder({ ...request, level: logitLevel(request) }), request),
  representation: (request) =>
    afterLattice(largestRadiusByOrder({ ...request, level: representationLevel(request) }), request),
} as const satisfies Record<string, (request: RadiusRequest) => number>;

/** n beyond which nobody waits for a certificate. */
const MOST_DRAWS = 1e8;

/**
 * The smallest n with which a method can prove a radius, normalised units, as LARGEST_RADIUS has it; null where that is more than 10⁸ draws.
 * @throws RangeError as LARGEST_RADIUS
 */
export function drawsForRadius(
  method: keyof typeof LARGEST_RADIUS,
  request: Omit<RadiusRequest, 'draws'>,
  radius: number,
): number | null {
  const reaches = (draws: number): boolean => LARGEST_RADIUS[method]({ ...request, draws }) >= radius;
  let above = 1;
  while (!reaches(above)) {
    above *= 2;
    if (above > MOST_DRAWS) return null;
  }
  let below = above / 2; // too few, or no number of draws at all
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (reaches(middle)) above = middle;
    else below = middle;
  }
  return above;
}
