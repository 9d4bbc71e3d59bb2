import { describe, expect, it } from 'vitest';
import { fitLine, median, quartilesOf } from '../../bench/statistics.ts';

describe('quartiles', () => {
  it('refuse no values', () => {
    expect(() => quartilesOf([])).toThrow(/got no values/);
  });
  it('are those of the sorted values, whatever their order', () => {
    expect(quartilesOf([5, 1, 4, 2, 3])).toEqual({ lower: 2, median: 3, upper: 4 });
  });
  it('lie between neighbours where no value has their rank', () => {
    expect(quartilesOf([1, 2, 3, 4])).toEqual({ lower: 1.75, median: 2.5, upper: 3.25 });
  });
  it('of one value are that value', () => {
    expect(quartilesOf([7])).toEqual({ lower: 7, median: 7, upper: 7 });
  });
  it('keep an outlier out of the median', () => {
    expect(median([1, 1, 1, 1, 1000])).toBe(1);
  });
  it('sort by number, not by text, and leave the values as they are', () => {
    const values = [100, 20, 3];
    expect(median(values)).toBe(20);
    expect(values).toEqual([100, 20, 3]);
  });
});

describe('the fitted line', () => {
  it('refuses points that lie above one another', () => {
    expect(() => fitLine([{ x: 3, time: 1 }, { x: 3, time: 2 }])).toThrow(/different x/); // prettier-ignore
  });
  it('of points on a line is that line, and nothing departs', () => {
    const { fixed, each, departures } = fitLine([1, 10, 100, 1000].map((x) => ({ x, time: 5 + 2 * x })));
    expect(fixed).toBeCloseTo(5, 9);
    expect(each).toBeCloseTo(2, 12);
    for (const departure of departures) expect(Math.abs(departure)).toBeLessThan(1e-12);
  });
  it('is the optimum of the squared relative errors', () => {
    const points = [1, 3, 10, 40].map((x, i) => ({ x, time: [4, 9, 23, 99][i] }));
    const { fixed, each } = fitLine(points);
    const loss = (a: number, b: number): number =>
      points.reduce((s, { x, time }) => s + ((a + b * x) / time - 1) ** 2, 0);
    for (const [a, b] of [[1e-3, 0], [-1e-3, 0], [0, 1e-3], [0, -1e-3]]) expect(loss(fixed + a, each + b)).toBeGreaterThan(loss(fixed, each)); // prettier-ignore
  });
  it('tells a point that took longer than linear from one that took less', () => {
    const { departures } = fitLine([
      { x: 1, time: 10 },
      { x: 2, time: 30 },
      { x: 3, time: 30 },
    ]);
    expect(departures.map(Math.sign)).toEqual([-1, 1, -1]);
  });
});
