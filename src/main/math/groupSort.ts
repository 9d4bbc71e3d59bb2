/**
 * GroupSort (Anil, Lucas & Grosse 2019; METHOD.md §1): contiguous groups of units sorted ascending,
 * [3, 1, 2, 5] in twos → [1, 3, 2, 5]. A permutation by order, hence 1-Lipschitz in every Lp norm.
 * @param units [width]
 * @returns [width], a new array
 * @throws RangeError if the group size does not divide the width
 */
export function groupSort(units: Float64Array, groupSize: number): Float64Array {
  if (!Number.isSafeInteger(groupSize) || groupSize < 1 || units.length % groupSize !== 0) {
    throw new RangeError(
      `GroupSort: got group size ${groupSize}, expected a divisor of the width ${units.length}; choose one`,
    );
  }
  const sorted = Float64Array.from(units);
  if (groupSize === 2) {
    sortPairs(sorted);
  } else {
    for (let start = 0; start < sorted.length; start += groupSize) sorted.subarray(start, start + groupSize).sort();
  }
  return sorted;
}

/** Views and calls would cost more than sorting the pairs, which are the usual groups. */
function sortPairs(units: Float64Array): void {
  for (let i = 0; i < units.length; i += 2) {
    const first = units[i];
    // A NaN goes last, as typed arrays sort it.
    if (first > units[i + 1] || Number.isNaN(first)) {
      units[i] = units[i + 1];
      units[i + 1] = first;
    }
  }
}

/** Bounds on each coordinate, both [width] in float64. */
export interface Interval {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/**
 * The image of a box under GroupSort, exactly its bounding box: the i-th smallest of a group is monotone in each of its
 * units, so it is least where all are least and greatest where all are greatest.
 */
export function groupSortInterval({ lower, upper }: Interval, groupSize: number): Interval {
  return { lower: groupSort(lower, groupSize), upper: groupSort(upper, groupSize) };
}
