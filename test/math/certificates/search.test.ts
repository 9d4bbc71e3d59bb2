import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boxOfIndex,
  largestRadiusIndex,
  mediansOfSorted,
  type SortedDraws,
} from '../../../src/main/math/certificates/search.ts';

/** [D, n] draws of D features, each sorted. */
function sortedDraws(columns: readonly (readonly number[])[]): SortedDraws {
  const draws = columns[0].length;
  return { sortedColumns: Float32Array.from(columns.flatMap((c) => [...Float32Array.from(c).sort()])), draws };
}

const sortedFeatures = fc.integer({ min: 2, max: 30 }).chain((draws) =>
  fc
    .array(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: draws, maxLength: draws }), {
      minLength: 1,
      maxLength: 4,
    })
    .map(sortedDraws),
);

describe('box of order statistics', () => {
  it('counts k from either end', () => {
    const sorted = sortedDraws([
      [5, 1, 4, 2, 3],
      [-1, -2, -3, -4, -5],
    ]);
    expect(boxOfIndex(sorted, 1)).toEqual({ lower: Float32Array.of(1, -5), upper: Float32Array.of(5, -1) });
    expect(boxOfIndex(sorted, 2)).toEqual({ lower: Float32Array.of(2, -4), upper: Float32Array.of(4, -2) });
    expect(mediansOfSorted(sorted)).toEqual(Float32Array.of(3, -3));
  });

  it('boxes are nested in k and hold the median, ties included', () => {
    fc.assert(
      fc.property(sortedFeatures, (sorted) => {
        const median = mediansOfSorted(sorted);
        let outer = boxOfIndex(sorted, 1);
        for (let k = 1; 2 * k <= sorted.draws; k++) {
          const box = boxOfIndex(sorted, k);
          median.forEach((m, i) => {
            expect(outer.lower[i]).toBeLessThanOrEqual(box.lower[i]);
            expect(outer.upper[i]).toBeGreaterThanOrEqual(box.upper[i]);
            expect(box.lower[i]).toBeLessThanOrEqual(m);
            expect(box.upper[i]).toBeGreaterThanOrEqual(m);
          });
          outer = box;
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('bounds nothing of a feature with a NaN among its draws, which is no large number', () => {
    const sorted = sortedDraws([
      [1, 2, 3, 4, 5, NaN],
      [1, 2, 3, 4, 5, 6],
    ]);
    for (const k of [1, 2, 3]) {
      expect(boxOfIndex(sorted, k)).toEqual({ lower: Float32Array.of(NaN, k), upper: Float32Array.of(NaN, 7 - k) });
    }
    expect(mediansOfSorted(sorted)).toEqual(Float32Array.of(NaN, 3.5));
  });

  it.each([Infinity, -Infinity])('bounds nothing of a feature with a draw of %d, which is what overflowed', (value) => {
    const sorted = sortedDraws([[value, 1, 2, 3, 4, 5]]);
    for (const k of [1, 2, 3]) {
      expect(boxOfIndex(sorted, k)).toEqual({ lower: Float32Array.of(NaN), upper: Float32Array.of(NaN) });
    }
    expect(mediansOfSorted(sorted)).toEqual(Float32Array.of(NaN));
  });
});

describe('search for the largest radius', () => {
  it('finds the smallest index that passes, wherever the threshold is', () => {
    for (const largest of [1, 2, 3, 17, 192]) {
      for (let threshold = 1; threshold <= largest; threshold++) {
        expect(largestRadiusIndex(largest, (k) => k >= threshold)).toBe(threshold);
      }
    }
  });

  it('gives the smallest box where none passes', () => {
    expect(largestRadiusIndex(192, () => false)).toBe(192);
  });

  it('asks at most log2 of the indices, rounded up, plus one', () => {
    for (const largest of [1, 2, 100, 192, 50_000]) {
      let asked = 0;
      largestRadiusIndex(largest, (k) => {
        asked += 1;
        return k >= largest / 3;
      });
      expect(asked).toBeLessThanOrEqual(1 + Math.ceil(Math.log2(largest)));
    }
  });

  it('gives an index that passes even where the test is not monotone, if the smallest box does', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), (outcomes) => {
        const found = largestRadiusIndex(outcomes.length, (k) => outcomes[k - 1]);
        expect(outcomes[found - 1]).toBe(outcomes.at(-1));
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
