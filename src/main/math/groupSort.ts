/**
 * GroupSort (Anil, Lucas & Grosse 2019; METHOD.md §1): contiguous groups of units sorted ascending,
 * [3, 1, 2, 5] in twos → [1, 3, 2, 5]. A permutation by order, hence 1-Lipschitz in every Lp norm.
 * @param units [width]
 * @returns [width], a new array
 * @throws RangeError if the group size does not divide the width
 */
export function groupSort(units: Float64Array, groupSize: number): Float64Array {
  requireGroupSize(units.length, groupSize);
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

/** @throws RangeError if the group size does not divide the width */
export function requireGroupSize(width: number, groupSize: number): void {
  if (Number.isSafeInteger(groupSize) && groupSize >= 1 && width % groupSize === 0) return;
  throw new RangeError(`GroupSort: got group size ${groupSize}, expected a divisor of the width ${width}; choose one`);
}
