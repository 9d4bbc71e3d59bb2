import { radiusLeft, requireNoise, type NoiseKind } from '../lattice/lattice.ts';
import { roundedDown } from '../rounding.ts';
import type { Selection } from '../levels.ts';

/** Why a certificate abstains; each reason's sentence is in src/shared/results.ts. */
export type AbstentionReason =
  | 'no-majority'
  | 'a-rival-may-win'
  | 'boxes-overlap'
  | 'median-disagrees'
  | 'margin-not-positive'
  | 'not-finite'
  | 'below-lattice';

export type CertificateVerdict =
  | {
      readonly outcome: 'certified';
      readonly predicted: number;
      /** L2, normalised units, ≥ 0, rounded down */
      readonly radiusNormalised: number;
    }
  | { readonly outcome: 'abstained'; readonly predicted: number; readonly reason: AbstentionReason };

/** What every certificate needs to know of its draws (METHOD.md §4). */
export interface CertificateDraws {
  /** Standard deviation of the noise, normalised units. */
  readonly sigma: number;
  readonly alpha: number;
  /** n, the estimation draws */
  readonly draws: number;
  readonly selection: Selection;
  readonly noise: NoiseKind;
  /** d, values of one input; 0 for `float32` */
  readonly inputs: number;
}

/**
 * A certificate whose radius is `radiusOverSigma` standard deviations, rounded down, less what the lattice costs: its ball is around the
 * lattice point nearest to the image. Where that point may be as far away as the radius, it says nothing of the image.
 */
export function certified(draws: CertificateDraws, predicted: number, radiusOverSigma: number): CertificateVerdict {
  const radius = radiusLeft(Math.max(0, roundedDown(draws.sigma * radiusOverSigma, 1)), draws);
  if (!(radius >= 0)) return abstained(predicted, 'below-lattice');
  return { outcome: 'certified', predicted, radiusNormalised: radius };
}

export function abstained(predicted: number, reason: AbstentionReason): CertificateVerdict {
  return { outcome: 'abstained', predicted, reason };
}

/** Refuses evidence that cannot come from such draws; n is refused where it is used. */
export function requireSigma(operation: string, draws: CertificateDraws): void {
  const { sigma } = draws;
  if (!(sigma > 0 && sigma < Infinity)) {
    throw new RangeError(
      `${operation}: got sigma ${sigma}, expected a positive finite number; pass the noise scale of the draws`,
    );
  }
  requireNoise(operation, draws);
}

/** Refuses counts that are not those of n draws over at least two classes. */
export function requireCounts(operation: string, counts: ArrayLike<number>, draws: number): void {
  if (counts.length < 2) {
    throw new RangeError(
      `${operation}: got counts of ${counts.length} classes, expected at least 2; pass one count for each class`,
    );
  }
  for (let j = 0; j < counts.length; j++) {
    const count = counts[j];
    if (!Number.isSafeInteger(count) || count < 0 || count > draws) {
      throw new RangeError(
        `${operation}: got a count of ${count} for class ${j}, expected an integer from 0 to the ${draws} draws; count again`,
      );
    }
  }
}

export function allFinite(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}
