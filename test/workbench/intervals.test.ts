import { expect, it } from 'vitest';
import { wilsonInterval } from '../../src/main/math/wilson.ts';
import { withIntervals } from '../../src/main/workbench/intervals.ts';

it('gives every share an interval, however deep, and leaves the rest alone', () => {
  const rows = [
    { head: 'x', baseAccuracy: { hits: 9, total: 10 }, label: { certified: { hits: 0, total: 10 } }, pgd: null },
    { head: 'y', inputs: { hits: 0, total: 0 } },
  ];
  expect(withIntervals(rows)).toEqual([
    {
      head: 'x',
      baseAccuracy: { hits: 9, total: 10, interval: wilsonInterval(9, 10) },
      label: { certified: { hits: 0, total: 10, interval: wilsonInterval(0, 10) } },
      pgd: null,
    },
    { head: 'y', inputs: { hits: 0, total: 0, interval: null } },
  ]);
});
