import type { Quartiles } from './statistics.ts';

/** A Markdown table whose columns line up, so that it reads in a terminal too; all but the first are right-aligned. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const wrong = rows.find((row) => row.length !== header.length);
  if (wrong !== undefined) {
    throw new RangeError(`internal: table: got a row of ${wrong.length} cells, expected ${header.length}`);
  }
  const widths = header.map((title, i) => Math.max(4, title.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(header), line(rule), ...rows.map(line)].join('\n');
}

/** Three figures, whatever the size: 1234, 56.7, 8.90. */
export function threeFigures(value: number): string {
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(digits);
}

/** "20.1 (19.8–21.4)" */
export function spread({ lower, median, upper }: Quartiles): string {
  return `${threeFigures(median)} (${threeFigures(lower)}–${threeFigures(upper)})`;
}

/** "+3.1 %" */
export function signedPercent(share: number): string {
  const text = (100 * share).toFixed(1);
  return `${share >= 0 ? '+' : ''}${text} %`;
}
