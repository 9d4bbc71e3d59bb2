import { describe, expect, it } from 'vitest';
import { markdownTable, signedPercent, spread, threeFigures } from '../../bench/table.ts';

describe('a table', () => {
  it('refuses a row with a cell too few', () => {
    expect(() => markdownTable(['a', 'b'], [['1']])).toThrow(/got a row of 1 cells, expected 2/);
  });
  it('lines its columns up and aligns numbers to the right', () => {
    expect(markdownTable(['step', 'ms'], [['training', '12.3']])).toBe(
      ['| step     |   ms |', '| -------- | ---: |', '| training | 12.3 |'].join('\n'),
    );
  });
});

describe('numbers', () => {
  it.each([
    [1234.5, '1235'],
    [56.78, '56.8'],
    [8.904, '8.90'],
    [0.01234, '0.0123'],
    [0, '0'],
    [-3.14159, '-3.14'],
  ])('%d have three figures: %s', (value, text) => {
    expect(threeFigures(value)).toBe(text);
  });
  it('show the quartiles beside the median', () => {
    expect(spread({ lower: 19.84, median: 20.11, upper: 21.4 })).toBe('20.1 (19.8–21.4)');
  });
  it('show the sign of a departure', () => {
    expect([signedPercent(0.031), signedPercent(-0.2), signedPercent(0)]).toEqual(['+3.1 %', '-20.0 %', '+0.0 %']);
  });
});
