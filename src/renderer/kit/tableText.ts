/** A table as it is shown, for files: values with all digits for programs, texts as on the page for papers. */
export interface ShownTable {
  readonly name: string;
  readonly caption: string;
  readonly columns: readonly { readonly title: string; readonly isNumber: boolean }[];
  readonly rows: readonly (readonly ShownCell[])[];
}
export interface ShownCell {
  /** Null where nothing was computed. */
  readonly value: string | number | null;
  readonly text: string;
}

/** RFC 4180. */
export function toCsv({ columns, rows }: ShownTable): string {
  const quoted = (value: string | number | null): string => {
    const text = value === null ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [
    columns.map(({ title }) => quoted(title)),
    ...rows.map((row) => row.map(({ value }) => quoted(value))),
  ];
  return lines.map((line) => `${line.join(',')}\r\n`).join('');
}

export function toJson({ columns, rows }: ShownTable): string {
  const objects = rows.map((row) => Object.fromEntries(row.map(({ value }, i) => [columns[i].title, value])));
  return `${JSON.stringify(objects, null, 2)}\n`;
}

/** With booktabs. */
export function toLatex({ columns, rows, caption }: ShownTable): string {
  const line = (cells: readonly string[]): string => `  ${cells.map(escaped).join(' & ')} \\\\`;
  return [
    '\\begin{table}',
    '  \\centering',
    `  \\caption{${escaped(caption)}}`,
    `  \\begin{tabular}{${columns.map(({ isNumber }) => (isNumber ? 'r' : 'l')).join('')}}`,
    '  \\toprule',
    line(columns.map(({ title }) => title)),
    '  \\midrule',
    ...rows.map((row) => line(row.map(({ text }) => text))),
    '  \\bottomrule',
    '  \\end{tabular}',
    '\\end{table}',
    '',
  ].join('\n');
}

const SIGNS: Partial<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '–': '--',
  '±': '$\\pm$',
  '∞': '$\\infty$',
  '\u202f': '\\,',
};
const escaped = (text: string): string =>
  text.replaceAll(/[\\~^–±∞\u202f]|[&%$#_{}]/g, (sign) => SIGNS[sign] ?? `\\${sign}`);
