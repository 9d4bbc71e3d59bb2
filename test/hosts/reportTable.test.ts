import { describe, expect, it } from 'vitest';
import { falsifiedLines, reportTable } from '../../src/main/hosts/cli/reportTable.ts';
import type { ReportRow } from '../../src/shared/report.ts';
import { ROW } from './reportRow.ts';

describe("a run's table", () => {
  const rows: ReportRow[] = [
    { ...ROW, domain: 'source', head: 'one', baseAccuracy: { hits: 3, total: 4 } },
    { ...ROW, domain: 'source', head: 'two' },
    { ...ROW, domain: 'target', head: 'one', noise: { hits: 0, total: 0 } },
  ];

  it('has a line a head, under its group, and a rule between domains alone', () => {
    const lines = reportTable(rows).split('\n');
    const at = (text: RegExp): number => lines.findIndex((line) => text.test(line));
    expect(lines[at(/source │ one /)]).toMatch(/│ 75\.0 │/);
    expect(at(/source │ two /)).toBe(at(/source │ one /) + 1);
    expect(at(/target │ one /)).toBe(at(/source │ two /) + 2);
    expect(lines[at(/target │ one /) - 1]).toMatch(/^├/);
    expect(lines[at(/target │ one /)]).toMatch(/–/);
    expect(lines[1]).toMatch(/Base.*Label.*Representation.*Attacked/);
  });
});

describe('certificates by the published rule that are no proofs', () => {
  const representation = (hits: number, total: number): ReportRow['representation'] => ({
    median: { hits: 9, total: 10 },
    paper: { hits: 8, total: 10 },
    proved: { hits: 7, total: 10 },
    falsified: { atRadius: { hits, total }, atSmallestBox: { hits: 1, total } },
  });

  it('are counted under the table, for each head that has some', () => {
    const rows = [
      { ...ROW, representation: representation(6, 9) },
      { ...ROW, representation: representation(0, 0) },
      ROW,
    ];
    expect(falsifiedLines(rows)).toEqual([
      "Of the published rule's certificates that are no proofs, falsified by a point of their box with another prediction:",
      '  target, 1-layer wn: 6 of 9, 1 of them in the smallest box too',
    ]);
    expect(falsifiedLines([ROW])).toEqual([]);
  });
});
