import type { StudyReport } from './studyReport.ts';
import type { StudyTable } from './studyTables.ts';
import { valueText } from './valueText.ts';

/** A booktabs table: our number, in parentheses the published one and the difference; the scale in the last column. */
export function latexTable(table: StudyTable, { name, scale }: StudyReport['study']): string {
  const { keys, columns, rows, title, hasPublished } = table;
  const published = hasPublished
    ? 'In parentheses: the published number and the difference.'
    : 'No row has a published counterpart.';
  return [
    '% needs \\usepackage{booktabs}',
    '\\begin{table}',
    `\\caption{${escaped(`${name}. ${title}. Scale: ${scale}. ${published}`)}}`,
    `\\begin{tabular}{${'l'.repeat(keys.length)}${'r'.repeat(columns.length)}l}`,
    '\\toprule',
    `${headerLine(table)} \\\\`,
    `${[...keys, ...columns.map((column) => column.title), 'Scale'].map(escaped).join(' & ')} \\\\`,
    '\\midrule',
    ...rows.map((row) => {
      const values = row.values.map((value, i) => valueLatex(valueText(value, columns[i].unit)));
      const about = [row.scale, ...(row.missing === null ? [] : [row.missing])].join('; ');
      return `${[...row.keys.map(escaped), ...values, escaped(about)].join(' & ')} \\\\`;
    }),
    '\\bottomrule',
    '\\end{tabular}',
    '\\end{table}',
    '',
  ].join('\n');
}

/** Groups over the columns that they hold. */
function headerLine({ keys, columns }: StudyTable): string {
  const spans: { group: string; columns: number }[] = [];
  for (const { group } of columns) {
    const last = spans.at(-1);
    if (last?.group === group) last.columns++;
    else spans.push({ group, columns: 1 });
  }
  const cells = spans.map((span) => `\\multicolumn{${span.columns}}{c}{${escaped(span.group)}}`);
  return [...keys.map(() => ''), ...cells, ''].join(' & ');
}

function valueLatex({ ours, range, published, difference }: ReturnType<typeof valueText>): string {
  const own = [ours ?? '–', ...(range === null ? [] : [`[${range}]`])].join(' ');
  return escaped(
    published === null ? own : `${own} (${[published, difference].filter((part) => part !== null).join(', ')})`,
  );
}

const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '{': '\\{',
  '}': '\\}',
  '&': '\\&',
  '%': '\\%',
  $: '\\$',
  '#': '\\#',
  _: '\\_',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '→': '$\\rightarrow$',
  '≤': '$\\leq$',
  '−': '$-$',
  '±': '$\\pm$',
  '–': '--',
  Δ: '$\\Delta$',
  σ: '$\\sigma$',
};

const escaped = (text: string): string => text.replace(/[\\{}&%$#_~^→≤−±–Δσ]/g, (character) => SPECIAL[character]);
