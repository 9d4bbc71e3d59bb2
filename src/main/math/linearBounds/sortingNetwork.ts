import { requireGroupSize } from '../groupSort.ts';

/**
 * Comparators that work at the same time: from units a at `low` and b at `high`, min(a, b) goes to `low` and max(a, b) to
 * `high`. No unit is in two of them.
 */
export interface ComparatorStage {
  readonly low: Int32Array;
  readonly high: Int32Array;
}

/**
 * GroupSort of `width` units as stages of comparators: in every group Batcher's merge exchange (Knuth, TAOCP 3, 5.2.2,
 * algorithm M), which sorts any number of units; one stage for pairs, 3 for fours, 6 for eights.
 * @throws RangeError if the group size does not divide the width
 */
export function groupSortStages(width: number, groupSize: number): ComparatorStage[] {
  requireGroupSize(width, groupSize);
  return mergeExchange(groupSize).map((pairs) => {
    const all = Array.from({ length: width / groupSize }, (_, group) =>
      pairs.map(([low, high]) => [group * groupSize + low, group * groupSize + high] as const),
    ).flat();
    return { low: Int32Array.from(all, ([low]) => low), high: Int32Array.from(all, ([, high]) => high) };
  });
}

type Comparator = readonly [low: number, high: number];

function mergeExchange(size: number): Comparator[][] {
  const stages: Comparator[][] = [];
  const largest = 2 ** (Math.ceil(Math.log2(size)) - 1);
  for (let p = largest; p >= 1; p /= 2) {
    let [q, remainder, distance] = [largest, 0, p];
    for (;;) {
      const stage: Comparator[] = [];
      for (let i = 0; i + distance < size; i++) if ((i & p) === remainder) stage.push([i, i + distance]);
      stages.push(stage);
      if (q === p) break;
      [distance, q, remainder] = [q - p, q / 2, p];
    }
  }
  return stages.filter((stage) => stage.length > 0);
}
