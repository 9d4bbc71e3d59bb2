import Table from 'cli-table3';
import type { StudyTable } from '../../workbench/studies/studyTables.ts';
import { valueText } from '../../workbench/studies/valueText.ts';

/** Columns of the words at the end of each row. */
const SCALE_WIDTH = 30;

/**
 * A table of a study: in each cell our number, under it the range over seeds, and under that the published one and the difference.
 * Each row says its scale by a letter, which the lines under the table spell out; a key that all rows share stands above it.
 */
export function studyTable({ keys, columns, rows }: StudyTable): string {
  const shared = keys.map((_, i) => rows.length > 1 && new Set(rows.map((row) => row.keys[i])).size === 1);
  const differing = <T>(values: readonly T[]): T[] => values.filter((_, i) => !shared[i]);
  const scales = [...new Set(rows.map(({ scale }) => scale))];
  const shown = differing(keys);
  const table = new Table({
    style: { head: [], border: [], compact: true },
    colAligns: [...shown.map(() => 'left' as const), ...columns.map(() => 'right' as const), 'left'],
    colWidths: [...shown.map(() => null), ...columns.map(() => null), ...(rows.some(isLong) ? [SCALE_WIDTH] : [])],
    wordWrap: true,
  });
  table.push(groupRow(shown, columns), [...shown, ...columns.map(({ title }) => title), 'Scale']);
  for (const { keys: names, values, scale, missing } of rows) {
    const cells = values.map((value, i) => cellText(valueText(value, columns[i].unit)));
    const letter = letterOf(scales.indexOf(scale));
    table.push([...differing(names), ...cells, missing === null ? letter : `${letter} (${missing})`]);
  }
  return [
    ...keys.flatMap((key, i) => (shared[i] ? [`${key}: ${rows[0].keys[i]}`] : [])),
    table.toString(),
    ...scales.map((scale, i) => `Scale ${letterOf(i)}: ${scale}`),
  ].join('\n');
}

/** Whether what is missing would make the table too wide. */
const isLong = ({ missing }: StudyTable['rows'][number]): boolean => missing !== null && missing.length > SCALE_WIDTH;

/** a … z, then aa … az, ba … */
function letterOf(index: number): string {
  const last = String.fromCharCode(97 + (index % 26));
  return index < 26 ? last : `${letterOf(Math.floor(index / 26) - 1)}${last}`;
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
