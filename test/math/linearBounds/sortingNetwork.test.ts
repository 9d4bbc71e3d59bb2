import { expect, it } from 'vitest';
import { groupSortStages } from '../../../src/main/math/linearBounds/sortingNetwork.ts';

const GROUP_SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 12];

it.each(GROUP_SIZES)('sorts every group of %i: by the 0-1 principle, all vectors of bits', (groupSize) => {
  const width = 2 * groupSize;
  const stages = groupSortStages(width, groupSize);
  for (let bits = 0; bits < 2 ** groupSize; bits++) {
    const group = Array.from({ length: groupSize }, (_, i) => (bits >> i) & 1);
    const units = [...group, ...group.map((bit) => bit + 2)];
    for (const { low, high } of stages) {
      low.forEach((a, q) => {
        const [first, second] = [units[a], units[high[q]]];
        units[a] = Math.min(first, second);
        units[high[q]] = Math.max(first, second);
      });
    }
    expect(units).toEqual([...group.toSorted(), ...group.toSorted().map((bit) => bit + 2)]);
  }
});

it.each(GROUP_SIZES)('no unit is in two comparators of a stage: groups of %i', (groupSize) => {
  for (const { low, high } of groupSortStages(2 * groupSize, groupSize)) {
    expect(low.length).toBeGreaterThan(0);
    expect(new Set([...low, ...high]).size).toBe(2 * low.length);
    low.forEach((a, q) => {
      expect(a).toBeLessThan(high[q]);
    });
  }
});

it('has Batcher’s numbers of stages and comparators', () => {
  const sizes = [2, 4, 8, 16].map((size) => groupSortStages(size, size).map(({ low }) => low.length));
  expect(sizes.map((stages) => stages.length)).toEqual([1, 3, 6, 10]);
  expect(sizes.map((stages) => stages.reduce((sum, count) => sum + count, 0))).toEqual([1, 5, 19, 63]);
});
