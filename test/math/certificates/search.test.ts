import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalQuantile } from '../../../src/main/math/normal.ts';
import {
  boxOfIndex,
  largestRadiusIndex,
  largestRadiusIndexByMargin,
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

describe('search for the largest radius by margins', () => {
  const DRAWS = 500;
  const width = (k: number): number => -normalQuantile(k / DRAWS);

  const mostQuestions = (largest: number): number => 2 + 2 * Math.ceil(Math.log2(largest));

  /** What a search finds and how often it asks. */
  function searched(
    largestIndex: number,
    margin: (k: number) => number,
    marginAtMedian = 1,
  ): { found: number; asked: number[] } {
    const asked: number[] = [];
    const found = largestRadiusIndexByMargin({
      largestIndex,
      draws: DRAWS,
      marginAtMedian,
      leastMargin: (k) => {
        asked.push(k);
        return margin(k);
      },
    });
    return { found, asked };
  }

  it('finds what a bisection finds wherever the threshold is, also from margins that are steps', () => {
    for (const largest of [1, 2, 3, 17, 195]) {
      for (let threshold = 1; threshold <= largest; threshold++) {
        expect(searched(largest, (k) => (k >= threshold ? 1 : -1)).found).toBe(threshold);
        expect(searched(largest, (k) => width(threshold) - width(k) + 1e-9).found).toBe(threshold);
        // Falls ever slower towards a zero that it jumps over.
        expect(searched(largest, (k) => (k >= threshold ? k : -1)).found).toBe(threshold);
      }
    }
  });

  it.each([
    ['straight', (w: number) => w],
    ['bent, as those of linear bounds', (w: number) => w + w * w],
    ['steep', (w: number) => Math.exp(2 * w) - 1],
  ])('asks fewer times than a bisection where margins are %s', (_name, shape) => {
    const asked = Array.from({ length: 190 }, (_, i) => i + 1).map((threshold) => {
      const scale = shape(width(threshold)) * (1 + 1e-9);
      const search = searched(195, (k) => 1 - shape(width(k)) / scale);
      expect(search.found).toBe(threshold);
      return search.asked.length;
    });
    const mean = asked.reduce((sum, times) => sum + times, 0) / asked.length;
    expect(mean).toBeLessThan(7); // a bisection: 8.6
    expect(Math.max(...asked)).toBeLessThanOrEqual(mostQuestions(195));
  });

  it('gives the smallest box where none passes, asking once', () => {
    expect(searched(192, () => -1)).toEqual({ found: 192, asked: [192] });
    expect(searched(192, () => NaN)).toEqual({ found: 192, asked: [192] });
  });

  it('never asks an index twice, and gives one that passed, whatever the margins are', () => {
    const margins = fc.array(fc.oneof(fc.double(), fc.constant(0), fc.double({ min: -1, max: 1, noNaN: true })), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(margins, fc.double(), (values, atMedian) => {
        const { found, asked } = searched(values.length, (k) => values[k - 1], atMedian);
        expect(new Set(asked).size).toBe(asked.length);
        expect(asked.length).toBeLessThanOrEqual(mostQuestions(values.length));
        expect(asked).toContain(found);
        expect(values[found - 1] > 0).toBe(values.at(-1)! > 0);
        if (found > 1 && values[found - 1] > 0) expect(values[found - 2] > 0).toBe(false);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});
