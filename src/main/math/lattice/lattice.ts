import { roundedDown, roundedUp } from '../rounding.ts';

/**
 * Smoothing on a lattice (docs/method.md §4, "Noise"; after Voráček & Hein 2023). The base classifier rounds its input to the lattice
 * δ·Z^d first, so that what it is given is a point of the lattice plus whole numbers of δ: nothing is left for float32 to round, and the
 * whole numbers can be drawn from their exact distribution.
 */

/** `float32`: x + σ·η computed in float32. `lattice`: on the lattice, for which the certificate pays as here. */
export type NoiseKind = 'float32' | 'lattice';

/** What the noise costs a certificate depends on. */
export interface NoiseFacts {
  /** Normalised units. */
  readonly sigma: number;
  /** n */
  readonly draws: number;
  readonly noise: NoiseKind;
  /** d, values of one input; 0 for float32, where nothing depends on it. */
  readonly inputs: number;
}

/** σ/δ lies in [2^15, 2^16). */
const SIGMA_BITS = 15;

/** Below this, multiples of δ are not float32 numbers. */
export const SMALLEST_LATTICE_SIGMA = 2 ** -100;
export const LARGEST_LATTICE_SIGMA = 2 ** 60;

/**
 * δ: the largest power of two that is at most σ·2⁻¹⁵. So x/δ, rounding it and multiplying again are exact.
 * @throws RangeError for a σ whose lattice float32 cannot hold
 */
export function latticeSpacing(sigma: number): number {
  if (!(sigma >= SMALLEST_LATTICE_SIGMA && sigma <= LARGEST_LATTICE_SIGMA)) {
    throw new RangeError(
      `lattice: got sigma ${sigma}, expected from 2^-100 to 2^60, whose lattice float32 can hold; choose another or the noise "float32"`,
    );
  }
  // The logarithm may err by one in its last place, next to a power of two.
  let exponent = Math.floor(Math.log2(sigma)) - SIGMA_BITS + 1;
  while (2 ** exponent > sigma * 2 ** -SIGMA_BITS) exponent -= 1;
  return 2 ** exponent;
}

/**
 * Upper bound of the distance in total variation between what is drawn for one value and its exact distribution: fewer than 2^20
 * thresholds, each within 2^-95 (latticeTable).
 */
const VARIATION_PER_VALUE = 2 ** -75;

/**
 * What is left of α for the test: n·d values are drawn, each from a distribution that is within 2^-75 of the exact one in total
 * variation, so an event of probability ≤ α − n·d·2^-75 under the exact one has probability ≤ α. Rounded down; α itself in float32.
 */
export function alphaOfTest({ alpha, draws, noise, inputs }: Omit<NoiseFacts, 'sigma'> & { alpha: number }): number {
  return noise === 'float32' ? alpha : roundedDown(alpha - roundedUp(draws * inputs * VARIATION_PER_VALUE, 2), 2);
}

/**
 * What of the radius rounding x to the lattice costs: ‖x̃ − x‖₂ ≤ √d·δ/2, and the ball that is proved is around x̃. Normalised
 * units, rounded up; 0 in float32.
 */
export function radiusLost({ sigma, noise, inputs }: Omit<NoiseFacts, 'draws'>): number {
  return noise === 'float32' ? 0 : roundedUp((latticeSpacing(sigma) / 2) * Math.sqrt(inputs), 2);
}

/** What is left of a radius, rounded down; below 0 where it does not reach from the lattice to x. The radius itself in float32. */
export function radiusLeft(radius: number, facts: Omit<NoiseFacts, 'draws'>): number {
  return facts.noise === 'float32' ? radius : roundedDown(radius - radiusLost(facts), 1);
}

/** The point x̃ of the lattice nearest to x, coordinate by coordinate, exactly: a float32 stays one. NaN and infinities stay. */
export function nearestOnLattice(values: Float32Array, sigma: number): Float32Array<ArrayBuffer> {
  const spacing = latticeSpacing(sigma);
  return Float32Array.from(values, (value) => Math.round(value / spacing) * spacing);
}

/** Refuses facts that no lattice has. */
export function requireNoise(operation: string, { sigma, noise, inputs }: NoiseFacts): void {
  if (noise === 'float32' && inputs === 0) return;
  if (noise === 'lattice' && Number.isSafeInteger(inputs) && inputs >= 1) {
    latticeSpacing(sigma);
    return;
  }
  throw new RangeError(
    `${operation}: got noise "${noise as string}" with ${inputs} inputs, expected "float32" with 0, or "lattice" with the number of values of ` +
      'one input; pass the facts of the draws',
  );
}
