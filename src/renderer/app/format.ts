/** Numbers and times as every view writes them. "–" is what was not computed. */

export const NONE = '–';

/** A share of 1 in %. */
export const percent = (share: number | null | undefined, digits = 1): string =>
  share === null || share === undefined || Number.isNaN(share) ? NONE : `${(100 * share).toFixed(digits)} %`;

/** A share as a length in a style: what `percent` says to people has a space, which no style takes. */
export const shareOfWidth = (share: number): string => `${100 * share}%`;

/** L2 lengths and margins. */
export const fixed = (value: number | null | undefined, digits = 4): string =>
  value === null || value === undefined ? NONE : Number.isFinite(value) ? value.toFixed(digits) : String(value);

export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function bytes(count: number | null | undefined): string {
  if (count === null || count === undefined) return NONE;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export const count = (value: number): string => value.toLocaleString('en-US').replaceAll(',', '\u202f');

/** In the reader's time zone, to the minute. */
export function moment(iso: string | null | undefined): string {
  if (iso === null || iso === undefined) return NONE;
  const date = new Date(iso);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
