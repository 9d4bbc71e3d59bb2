/** Pure numerics of the benches: what is said of a handful of times. */

export interface Quartiles {
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
}

/** Median and quartiles, interpolated between the neighbours in rank. @throws RangeError for no values */
export function quartilesOf(values: readonly number[]): Quartiles {
  if (values.length === 0) throw new RangeError('quartiles: got no values, expected at least 1');
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => {
    const rank = share * (sorted.length - 1);
    const below = sorted[Math.floor(rank)];
    return below + (rank - Math.floor(rank)) * (sorted[Math.ceil(rank)] - below);
  };
  return { lower: at(0.25), median: at(0.5), upper: at(0.75) };
}

export const median = (values: readonly number[]): number => quartilesOf(values).median;

export interface Point {
  readonly x: number;
  /** Positive. */
  readonly time: number;
}

/** time ≈ fixed + each·x */
export interface LinearFit {
  readonly fixed: number;
  readonly each: number;
  /** time / (fixed + each·x) − 1 at each point: 0.1 is a tenth more than linear. */
  readonly departures: readonly number[];
}

/**
 * The line of least squares in relative errors, Σ ((fixed + each·x − t)/t)²: ordinary least squares would see nothing but the largest
 * of points that span two decades.
 * @throws RangeError for fewer than two different x
 */
export function fitLine(points: readonly Point[]): LinearFit {
  if (new Set(points.map(({ x }) => x)).size < 2) {
    throw new RangeError(`fit a line: got ${points.length} points, expected two of different x or more`);
  }
  const sum = (term: (x: number, weight: number, time: number) => number): number =>
    points.reduce((total, { x, time }) => total + term(x, time ** -2, time), 0);
  const weight = sum((_, w) => w);
  const meanX = sum((x, w) => w * x) / weight;
  const meanTime = sum((_, w, t) => w * t) / weight;
  const each = sum((x, w, t) => w * (x - meanX) * (t - meanTime)) / sum((x, w) => w * (x - meanX) ** 2);
  const fixed = meanTime - each * meanX;
  return { fixed, each, departures: points.map(({ x, time }) => time / (fixed + each * x) - 1) };
}
