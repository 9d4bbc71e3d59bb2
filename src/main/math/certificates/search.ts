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
  if (!Number.isSafeInteger(largestIndex) || largestIndex < 1) {
    throw new RangeError(
      `search for the largest radius: got largest usable index ${largestIndex}, expected a positive integer; take more draws or a larger alpha`,
    );
  }
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

function featureCount(operation: string, { sortedColumns, draws }: SortedDraws): number {
  if (!Number.isSafeInteger(draws) || draws < 1 || sortedColumns.length % draws !== 0) {
    throw new RangeError(
      `${operation}: got ${sortedColumns.length} values, expected whole columns of ${draws} draws (at least 1); pass draws as [D, n]`,
    );
  }
  return sortedColumns.length / draws;
}
