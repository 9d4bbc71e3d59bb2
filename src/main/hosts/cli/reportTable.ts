import Table from 'cli-table3';
import type { ReportRow, Share } from '../../workbench/report.ts';

export const percent = (share: Share | null | undefined): string =>
  share === null || share === undefined || share.total === 0 ? '–' : ((100 * share.hits) / share.total).toFixed(1);
const radius = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : value.toFixed(3);

/** The paper-shaped table of a run. Accuracies in %, radii in normalised units. */
export function reportTable(rows: readonly ReportRow[]): string {
  const table = new Table({
    style: { head: [], border: [] },
    colAligns: ['left', 'left', ...Array<'right'>(12).fill('right')],
  });
  table.push(
    [
      { content: '', colSpan: 2 },
      'Base',
      { content: 'Label', colSpan: 2, hAlign: 'center' },
      { content: 'Representation', colSpan: 3, hAlign: 'center' },
      { content: 'Logit', colSpan: 2, hAlign: 'center' },
      { content: 'Pairwise', colSpan: 2, hAlign: 'center' },
      { content: 'Attacked', colSpan: 2, hAlign: 'center' },
    ],
    [
      'Domain',
      'Head',
      'A_B',
      'A_V',
      'Rad.',
      'A_M',
      'A_V paper',
      'A_V proved',
      'A_M',
      'A_V',
      'A_V',
      'Rad.',
      'Noise',
      'PGD',
    ],
    ...rows.map((row) => [
      row.domain,
      row.head,
      percent(row.baseAccuracy),
      percent(row.label?.certified),
      radius(row.label?.meanRadius),
      percent(row.representation?.median),
      percent(row.representation?.paper),
      percent(row.representation?.proved),
      percent(row.logit?.median),
      percent(row.logit?.certified),
      percent(row.pairwise?.certified),
      radius(row.pairwise?.meanRadius),
      percent(row.noise),
      percent(row.pgd),
    ]),
  );
  return table.toString();
}

export const REPORT_LEGEND = [
  'A_B base accuracy, A_M accuracy of the median prediction, A_V certified and correct, all in %; Rad. mean certified radius,',
  'L2, normalised units. "A_V paper" is the published rule, a proof under wn-l1 alone; "A_V proved" is by a sound rule.',
  'Attacked: accuracy under random noise and under PGD, in %, which is no proof of anything.',
  'Each certificate holds at its own α; they are not simultaneous.',
].join('\n');
