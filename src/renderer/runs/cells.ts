import { duration, fixed, moment, NONE, percent } from '../app/format.ts';

/** A cell as the list shows it: accuracies in %, radii and lengths with their digits, the rest as it is. */
export function cellText(column: string, value: string | number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  if (column === 'seconds') return typeof value === 'number' ? duration(value) : value;
  if (column === 'createdAt' || column === 'finishedAt') return moment(String(value));
  if (column.startsWith('figure:') && typeof value === 'number') {
    return column.endsWith('Rad.') ? fixed(value) : percent(value);
  }
  return String(value);
}

export const isNumeric = (column: string): boolean =>
  column === 'id' || column === 'seconds' || column.startsWith('figure:');
