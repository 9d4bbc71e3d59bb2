import { latticeSpacing } from './lattice.ts';

/**
 * The exact distribution of Gaussian noise rounded to the lattice: with h = δ/σ and a whole number a ≥ 0,
 * P(|J| ≤ a) = 2·Φ((a + ½)·h) − 1. Thresholds of 95 bits, in three words, for a comparison with 95 fair coins.
 */
export interface LatticeTable {
  /** δ */
  readonly spacing: number;
  /** Bits 94–64 of P(|J| ≤ a), [reach], ascending; from `reach` on it is 1 to 95 bits. */
  readonly top: Uint32Array;
  /** Bits 63–32 and 31–0. */
  readonly middle: Uint32Array;
  readonly bottom: Uint32Array;
  /** [2^GUIDE_BITS + 1]: the first index whose `top` begins with these bits or greater ones. */
  readonly guide: Uint32Array;
}

export const TOP_BITS = 31;
/** The guide takes these from the front of `top`. */
export const GUIDE_BITS = 16;

/** Bits behind the point of the fixed-point numbers below. */
const POINT = 160n;
const ONE = 1n << POINT;
/** The mass beyond 12σ is 2^-108. */
const LARGEST_OVER_SIGMA = 12;

const times = (a: bigint, b: bigint): bigint => (a * b) >> POINT;

const tables = new Map<number, LatticeTable>();

/**
 * The table of a σ; it takes about a second and 10 MB, so it is kept for as long as the process lives.
 * @throws RangeError as latticeSpacing
 */
export function latticeTable(sigma: number): LatticeTable {
  const known = tables.get(sigma) ?? makeTable(sigma);
  tables.set(sigma, known);
  return known;
}

/**
 * Masses of the cells around a·h by Taylor's formula about their middles, the density by its recurrence φ(m + h)/φ(m) =
 * exp(−h²/2)·exp(−h²)^a, all divided by their sum. What is neglected (h⁶ terms, the mass beyond 12σ, the truncations of 2^-160) comes to
 * less than 2^-100 in any threshold; rounding to the nearest of 2^95 adds 2^-96. So each is within 2^-95.
 */
function makeTable(sigma: number): LatticeTable {
  const spacing = latticeSpacing(sigma);
  const h = quotient(spacing, sigma);
  const cumulative = cumulativeMasses(h, Math.ceil((LARGEST_OVER_SIGMA * sigma) / spacing));
  const total = cumulative.at(-1)!;
  const thresholds: bigint[] = [];
  for (const mass of cumulative) {
    const threshold = ((mass << 96n) / total + 1n) >> 1n;
    if (threshold >> 95n === 1n) break;
    thresholds.push(threshold);
  }
  const words = (shift: bigint): Uint32Array =>
    Uint32Array.from(thresholds, (threshold) => Number((threshold >> shift) & 0xffffffffn));
  const top = words(64n);
  return { spacing, top, middle: words(32n), bottom: words(0n), guide: guideOf(top) };
}

/** Entry a is half of P(|J| ≤ a), but for a factor that all share. */
function cumulativeMasses(h: bigint, cells: number): bigint[] {
  const h2 = times(h, h);
  const step = exponential(-h2);
  let density = ONE;
  let ratio = exponential(-h2 / 2n);
  let middle = 0n;
  let sum = 0n;
  const cumulative: bigint[] = [];
  for (let a = 0; a <= cells; a++) {
    const mass = cellMass(density, middle, h2);
    // Of the cell around 0, half lies on either side.
    sum += a === 0 ? mass / 2n : mass;
    cumulative.push(sum);
    density = times(density, ratio);
    ratio = times(ratio, step);
    middle += h;
  }
  return cumulative;
}

/** ∫ φ over a cell of width h around m, divided by h: φ(m)·(1 + He₂·h²/24 + He₄·h⁴/1920), h ≤ 2⁻¹⁵. */
function cellMass(density: bigint, middle: bigint, h2: bigint): bigint {
  const m2 = times(middle, middle);
  const he2 = m2 - ONE;
  const he4 = times(m2, m2 - 6n * ONE) + 3n * ONE;
  return times(density, ONE + times(h2, he2 / 24n + times(h2, he4 / 1920n)));
}

/** exp of a number that is small, by its series. */
function exponential(x: bigint): bigint {
  let term = ONE;
  let sum = ONE;
  for (let n = 1n; term !== 0n && term !== -1n; n++) {
    term = times(term, x) / n;
    sum += term;
  }
  return sum;
}

/** a/b of two doubles, exactly up to the last bit. */
function quotient(a: number, b: number): bigint {
  const [top, bottom] = [fraction(a), fraction(b)];
  return (top.numerator * bottom.denominator * ONE) / (top.denominator * bottom.numerator);
}

/** A positive double as it is. */
function fraction(value: number): { readonly numerator: bigint; readonly denominator: bigint } {
  let [whole, shift] = [value, 0];
  while (!Number.isInteger(whole)) [whole, shift] = [whole * 2, shift + 1];
  return { numerator: BigInt(whole), denominator: 1n << BigInt(shift) };
}

function guideOf(top: Uint32Array): Uint32Array {
  const guide = new Uint32Array(2 ** GUIDE_BITS + 1);
  let index = 0;
  for (let prefix = 0; prefix <= 2 ** GUIDE_BITS; prefix++) {
    while (index < top.length && top[index] >>> (TOP_BITS - GUIDE_BITS) < prefix) index++;
    guide[prefix] = index;
  }
  return guide;
}
