import Table from 'cli-table3';
import type { ReportRow } from '../../../shared/report.ts';
import { cellText, columnGroups, REPORT_COLUMNS } from '../../../shared/reportColumns.ts';

/** The paper-shaped table of a run. Accuracies in %, radii in normalised units. */
export function reportTable(rows: readonly ReportRow[]): string {
  const table = new Table({
    style: { head: [], border: [] },
    colAligns: REPORT_COLUMNS.map(({ group }) => (group === '' ? 'left' : 'right')),
  });
  table.push(
    columnGroups().map(({ title, columns }) =>
      columns === 1 ? title : { content: title, colSpan: columns, hAlign: 'center' as const },
    ),
    REPORT_COLUMNS.map(({ title }) => title),
    // A domain is one row of many lines: rules stand between domains, not between heads.
    ...[...Map.groupBy(rows, ({ domain }) => domain).values()].map((ofDomain) =>
      REPORT_COLUMNS.map(({ cell }) => ofDomain.map((row) => cellText(cell(row))).join('\n')),
    ),
  );
  return table.toString();
}

/** What became of the published rule's certificates where they are no proofs: a line a head, none where none were searched. */
export function falsifiedLines(rows: readonly ReportRow[]): string[] {
  const lines = rows.flatMap(({ domain, head, representation }) => {
    const falsified = representation?.falsified;
    if (falsified === null || falsified === undefined || falsified.atRadius.total === 0) return [];
    const { atRadius, atSmallestBox } = falsified;
    return [
      `  ${domain}, ${head}: ${atRadius.hits} of ${atRadius.total}, ${atSmallestBox.hits} of them in the smallest box too`,
    ];
  });
  if (lines.length === 0) return [];
  return [
    "Of the published rule's certificates that are no proofs, falsified by a point of their box with another prediction:",
    ...lines,
  ];
}

export const REPORT_LEGEND = [
  'A_B base accuracy, A_M accuracy of the median prediction, A_V certified and correct, all in %; Rad. mean certified radius,',
  'L2, normalised units. "A_V paper" is the published rule, a proof under wn-l1 alone; "A_V proved" is by a sound rule.',
  'Attacked: accuracy under random noise and under PGD, in %, which is no proof of anything.',
  'Each certificate holds at its own α; they are not simultaneous.',
].join('\n');
