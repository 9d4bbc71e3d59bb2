import { wilsonInterval } from '../math/wilson.ts';

/** A share with Wilson's 95 % interval, as `--json` prints it (METHOD.md §4, metrics); a share of nothing has none. */
type WithInterval<T> = T extends { readonly hits: number; readonly total: number }
  ? T & { readonly interval: { readonly lower: number; readonly upper: number } | null }
  : T extends readonly (infer Item)[]
    ? readonly WithInterval<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: WithInterval<T[Key]> }
      : T;

/** The same value with an interval beside every share in it, however deep. */
export function withIntervals<T>(value: T): WithInterval<T> {
  return walk(value) as WithInterval<T>;
}

function walk(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(walk);
  if (typeof value !== 'object' || value === null) return value;
  if ('hits' in value && 'total' in value && typeof value.hits === 'number' && typeof value.total === 'number') {
    return { ...value, interval: value.total === 0 ? null : wilsonInterval(value.hits, value.total) };
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item)]));
}
