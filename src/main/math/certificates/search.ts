import { normalCdf, normalQuantile } from '../normal.ts';
import { medianOfSorted } from '../orderStatistics.ts';

/**
 * n draws of D scalar features, each feature's draws in ascending order, NaN last as typed arrays sort it. A NaN is not
 * a large number, though, and an infinity is what overflowed: a feature with one of them has no bounds and no median, which are NaN, and nothing passes.
 */
export interface SortedDraws {
  /** [D, n], row-major */
  readonly sortedColumns: Float32Array;
  /** n */
  readonly draws: number;
}

/** The box of index k: l = z_(k) and u = z_(n+1−k) of each feature, both [D] (METHOD.md §4). Nested: it shrinks as k grows. */
export function boxOfIndex(sorted: SortedDraws, k: number): { lower: Float32Array; upper: Float32Array } {
  const { sortedColumns, draws } = sorted;
  const dimension = featureCount('box of order statistics', sorted);
  if (!Number.isSafeInteger(k) || k < 1 || 2 * k > draws) {
    throw new RangeError(
      `box of order statistics: got index ${k} of ${draws} draws, expected an integer from 1 to ${Math.floor(draws / 2)}; choose a usable index`,
    );
  }
  const lower = new Float32Array(dimension);
  const upper = new Float32Array(dimension);
  for (let i = 0; i < dimension; i++) {
    const usable = isFinite(sorted, i);
    lower[i] = usable ? sortedColumns[i * draws + k - 1] : NaN;
    upper[i] = usable ? sortedColumns[i * draws + draws - k] : NaN;
  }
  return { lower, upper };
}

/** Median of each feature, [D]; it lies in every box of the family. */
export function mediansOfSorted(sorted: SortedDraws): Float32Array {
  const { sortedColumns, draws } = sorted;
  const dimension = featureCount('medians', sorted);
  const medians = new Float32Array(dimension);
  for (let i = 0; i < dimension; i++) {
    medians[i] = isFinite(sorted, i) ? medianOfSorted(sortedColumns.subarray(i * draws, (i + 1) * draws)) : NaN;
  }
  return medians;
}

/** Of sorted draws the first and the last tell. */
const isFinite = ({ sortedColumns, draws }: SortedDraws, feature: number): boolean =>
  sortedColumns[feature * draws] > -Infinity && sortedColumns[(feature + 1) * draws - 1] < Infinity;

/**
 * The smallest k, hence the largest radius, whose box passes, by bisection over 1 … largestIndex; largestIndex itself when
 * none passes, so that the evidence shows the smallest box. Where a test is not monotone in k, the answer still
 * passes, and any index that passes is valid (METHOD.md §4).
 * @param largestIndex the largest usable k
 */
export function largestRadiusIndex(largestIndex: number, passes: (k: number) => boolean): number {
  requireLargestIndex(largestIndex);
  if (!passes(largestIndex)) return largestIndex;
  let failing = 0;
  let passing = largestIndex;
  while (passing - failing > 1) {
    const middle = Math.floor((failing + passing) / 2);
    if (passes(middle)) passing = middle;
    else failing = middle;
  }
  return passing;
}

/** What a search over margins is about. */
export interface MarginSearch {
  /** The largest usable k. */
  readonly largestIndex: number;
  /** n */
  readonly draws: number;
  /** Of the class under test at the median, where the box has no width. */
  readonly marginAtMedian: number;
  /** The least margin over the box of index k, which passes iff it is > 0. */
  readonly leastMargin: (k: number) => number;
}

/**
 * As `largestRadiusIndex` does, for boxes whose margins are dear, since they tell where to look: the box of Gaussian draws is about
 * −Φ⁻¹(k/n) standard deviations wide, and over the width margins are a smooth curve from the one at the median, which falls
 * through zero. It is followed outwards to the first box that fails, and the bracket is closed by Chandrupatla's method (1997): inverse
 * quadratic interpolation where it is to be trusted, else a bisection.
 */
export function largestRadiusIndexByMargin({ largestIndex, draws, marginAtMedian, leastMargin }: MarginSearch): number {
  requireLargestIndex(largestIndex);
  const ask = (k: number): KnownMargin => ({ k, width: -normalQuantile(k / draws), margin: leastMargin(k) });
  let passing = ask(largestIndex);
  if (!(passing.margin > 0)) return largestIndex;
  let failing: KnownMargin | null = null;
  let latest = passing;
  let third: KnownMargin = { k: draws / 2, width: 0, margin: marginAtMedian };
  for (let asked = 1; passing.k - (failing?.k ?? 0) > 1; asked++) {
    const [first, last]: [number, number] = [(failing?.k ?? 0) + 1, passing.k - 1];
    // Margins that are no such curve cost at most twice the questions of a bisection.
    const isLost: boolean = asked > Math.log2(largestIndex);
    const zero: number = isLost
      ? NaN
      : failing === null
        ? zeroBeyond(third, passing)
        : zeroBetween({ passing, failing, latest, third });
    const guess: number = Math.ceil(draws * normalCdf(-zero));
    latest = ask(Number.isNaN(guess) ? Math.floor((first + last) / 2) : Math.min(last, Math.max(first, guess)));
    if (latest.margin > 0) [third, passing] = [passing, latest];
    else [third, failing] = [failing ?? third, latest];
  }
  return passing.k;
}

interface KnownMargin {
  readonly k: number;
  /** In standard deviations, from the median to either side. */
  readonly width: number;
  readonly margin: number;
}

/** How much sooner than a line tells margins are gone, by experience with linear bounds, which loosen with the width. */
const BEND = 0.3;

/** A guess at the width beyond both points at which no margin is left. */
function zeroBeyond(inner: KnownMargin, outer: KnownMargin): number {
  const ahead = (outer.margin * (outer.width - inner.width)) / (inner.margin - outer.margin);
  return ahead > 0 ? outer.width + ahead / (1 + BEND * ahead) : NaN;
}

interface Bracket {
  readonly passing: KnownMargin;
  readonly failing: KnownMargin;
  /** The one of the two that was asked last. */
  readonly latest: KnownMargin;
  /** What it replaced. */
  readonly third: KnownMargin;
}

/** The next width to ask; NaN to halve the bracket. */
function zeroBetween({ passing, failing, latest, third }: Bracket): number {
  const opposite = latest === passing ? failing : passing;
  const share = (latest.width - opposite.width) / (third.width - opposite.width);
  const rise = (latest.margin - opposite.margin) / (third.margin - opposite.margin);
  const isBetween = share > 0 && share < 1;
  if (isBetween && !(rise * rise < share && (1 - rise) ** 2 < 1 - share)) return NaN;
  const across =
    (latest.margin / (opposite.margin - latest.margin)) * (third.margin / (opposite.margin - third.margin)) +
    ((third.width - latest.width) / (opposite.width - latest.width)) *
      (latest.margin / (third.margin - latest.margin)) *
      (opposite.margin / (third.margin - opposite.margin));
  return across >= 0 && across <= 1 ? latest.width + across * (opposite.width - latest.width) : NaN;
}

function requireLargestIndex(largestIndex: number): void {
  if (!Number.isSafeInteger(largestIndex) || largestIndex < 1) {
    throw new RangeError(
      `search for the largest radius: got largest usable index ${largestIndex}, expected a positive integer; take more draws or a larger alpha`,
    );
  }
}

function featureCount(operation: string, { sortedColumns, draws }: SortedDraws): number {
  if (!Number.isSafeInteger(draws) || draws < 1 || sortedColumns.length % draws !== 0) {
    throw new RangeError(
      `${operation}: got ${sortedColumns.length} values, expected whole columns of ${draws} draws (at least 1); pass draws as [D, n]`,
    );
  }
  return sortedColumns.length / draws;
}
