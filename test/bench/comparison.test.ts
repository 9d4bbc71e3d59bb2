import { describe, expect, it } from 'vitest';
import { comparisonRows, type Comparison } from '../../bench/comparison.ts';

const measured = (name: string, median: number) => ({ name, time: { lower: median, median, upper: median } });

const COMPARISON: Comparison = {
  work: 'inference',
  ours: measured('ours', 20),
  rivals: [measured('eager', 30), measured('compiled', 24), measured('compiled, frozen', 18)],
  goals: [
    { atLeast: 1.4, against: ['eager'] },
    { atLeast: 1, against: ['compiled', 'compiled, frozen'] },
  ],
};

describe('rows of a comparison', () => {
  it('refuse a goal against a rival that was not measured', () => {
    const goals = [{ atLeast: 1, against: ['nobody'] }];
    expect(() => comparisonRows({ ...COMPARISON, goals })).toThrow(/"nobody", which was not measured/);
  });
  it('give how many times as fast ours is, and name the work once', () => {
    const rows = comparisonRows(COMPARISON);
    expect(rows.map((row) => row[4])).toEqual(['1.50 ×', '1.20 ×', '0.90 ×']);
    expect(rows.map((row) => row[0])).toEqual(['inference', '', '']);
  });
  it('judge a goal by the fastest of the rivals that it names, and by it alone', () => {
    expect(comparisonRows(COMPARISON).map((row) => row[5])).toEqual(['≥ 1.4: met', '', '≥ 1.0: missed']);
  });
  it('are ours alone where there is no rival', () => {
    expect(comparisonRows({ ...COMPARISON, rivals: [], goals: [] })).toEqual([
      ['inference', '20.0 (20.0–20.0)', '–', '–', '–', '–'],
    ]);
  });
});
