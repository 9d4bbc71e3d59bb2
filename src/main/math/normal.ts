import { roundedDown, roundedUp } from './rounding.ts';

/**
 * Standard normal distribution function Φ(x). Marsaglia's series (2004) within 2 of the centre, the continued
 * fraction of the Mills ratio beyond. Relative error below 1e-14 for |x| ≤ 8, 1e-12 for |x| ≤ 37.
 */
export function normalCdf(x: number): number {
  if (x < -CENTRE) return millsTail(-x);
  if (x > CENTRE) return 1 - millsTail(x);
  return 0.5 + normalDensity(x) * centralSeries(x);
}

const CENTRE = 2;

const normalDensity = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

/** Σ x^(2i+1) / (2i+1)!! */
function centralSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let odd = 3; ; odd += 2) {
    term *= (x * x) / odd;
    const next = sum + term;
    if (next === sum || Number.isNaN(next)) return next;
    sum = next;
  }
}

/** Terms that leave less than one rounding at x = 2, where the fraction converges slowest. */
const MILLS_TERMS = 200;

/** P(Z > x) = φ(x) / (x + 1/(x + 2/(x + …))), x ≥ 2. */
function millsTail(x: number): number {
  let fraction = x;
  for (let i = MILLS_TERMS; i >= 1; i--) fraction = x + i / fraction;
  return normalDensity(x) / fraction;
}

/** Coefficients of Wichura's algorithm AS 241 (1988), routine PPND16, constant term first, rounded to doubles. */
const CENTRAL = {
  numerator: [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
    33430.57558358813, 2509.0809287301227,
  ],
  denominator: [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854,
  ],
};
const TAIL = {
  numerator: [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  denominator: [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
};
const FAR_TAIL = {
  numerator: [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
  ],
  denominator: [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-5,
    1.421511758316446e-7, 2.0442631033899397e-15,
  ],
};

const polynomial = (coefficients: readonly number[], x: number): number =>
  coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);

const ratio = ({ numerator, denominator }: typeof CENTRAL, x: number): number =>
  polynomial(numerator, x) / polynomial(denominator, x);

/**
 * Standard normal quantile Φ⁻¹(p) by AS 241, whose approximations are within 1e-16, relatively. All coefficients are positive,
 * so evaluation adds at most some ten roundings; p − 1/2 is exact where it is small, and so is 1 − p.
 * @throws RangeError if p is outside (0, 1)
 */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) {
    throw new RangeError(
      `normal quantile: got p = ${p}, expected a probability in (0, 1); 0 and 1 have no finite quantile`,
    );
  }
  const centred = p - 0.5;
  if (Math.abs(centred) <= 0.425) return centred * ratio(CENTRAL, 0.180625 - centred * centred);
  const r = Math.sqrt(-Math.log(centred < 0 ? p : 1 - p));
  const magnitude = r <= 5 ? ratio(TAIL, r - 1.6) : ratio(FAR_TAIL, r - 5);
  return centred < 0 ? -magnitude : magnitude;
}

/** Roundings allowed for in AS 241; the approximation itself takes half of one. */
const QUANTILE_ULPS = 32;

/** Φ⁻¹(p) rounded down: never above the true quantile. */
export function normalQuantileLower(p: number): number {
  const quantile = normalQuantile(p);
  return quantile === 0 ? 0 : roundedDown(quantile, QUANTILE_ULPS);
}

/** Φ⁻¹(p) rounded up: never below the true quantile. */
export function normalQuantileUpper(p: number): number {
  const quantile = normalQuantile(p);
  return quantile === 0 ? 0 : roundedUp(quantile, QUANTILE_ULPS);
}
