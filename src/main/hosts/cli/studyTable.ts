import Table from 'cli-table3';
import type { StudyTable } from '../../workbench/studies/studyTables.ts';
import { valueText } from '../../workbench/studies/valueText.ts';

/** Columns of the words at the end of each row. */
const SCALE_WIDTH = 30;

/** A table of a study: in each cell our number, under it the range over seeds, and under that the published one and the difference. */
export function studyTable({ keys, columns, rows }: StudyTable): string {
  const table = new Table({
    style: { head: [], border: [], compact: true },
    colAligns: [...keys.map(() => 'left' as const), ...columns.map(() => 'right' as const), 'left'],
    colWidths: [...keys.map(() => null), ...columns.map(() => null), SCALE_WIDTH],
    wordWrap: true,
  });
  table.push(groupRow(keys, columns), [...keys, ...columns.map(({ title }) => title), 'Scale']);
  for (const { keys: names, values, scale, missing } of rows) {
    const cells = values.map((value, i) => cellText(valueText(value, columns[i].unit)));
    table.push([...names, ...cells, missing === null ? scale : `${scale}\n(${missing})`]);
  }
  return table.toString();
}

function groupRow(keys: StudyTable['keys'], columns: StudyTable['columns']): Table.HorizontalTableRow {
  const spans = [...Map.groupBy(columns.entries(), ([i, { group }]) => spanStart(columns, i, group)).values()];
  return [
    { content: '', colSpan: keys.length },
    ...spans.map((span) => ({ content: span[0][1].group, colSpan: span.length, hAlign: 'center' as const })),
    '',
  ];
}

/** Where the run of columns of this group begins. */
function spanStart(columns: StudyTable['columns'], at: number, group: string): number {
  let start = at;
  while (start > 0 && columns[start - 1].group === group) start--;
  return start;
}

function cellText({ ours, range, published, difference }: ReturnType<typeof valueText>): string {
  const compared = published === null ? [] : [[published, ...(difference === null ? [] : [difference])].join(' ')];
  return [ours ?? '–', ...(range === null ? [] : [range]), ...compared].join('\n');
}
