import type { RunGroup } from '../../../shared/api/runs.ts';
import { studentTQuantile } from '../../math/studentT.ts';

/** A run's value of the column that is grouped by, and of each figure. */
export interface RunToGroup {
  readonly value: string | number | null;
  readonly figures: Readonly<Record<string, number | null>>;
}

/** Runs of one value together: how many, and the mean of each figure with Student's 95 % interval. By value, the missing last. */
export function groupRuns(runs: readonly RunToGroup[], figures: readonly string[]): RunGroup[] {
  const groups = [...Map.groupBy(runs, ({ value }) => value)].map(([value, members]): RunGroup => ({
    value,
    n: members.length,
    figures: Object.fromEntries(
      figures.flatMap((name) => {
        const values = members.flatMap((member) => member.figures[name] ?? []);
        return values.length === 0 ? [] : [[name, meanWithInterval(values)]];
      }),
    ),
  }));
  return groups.sort((a, b) => compareCells(a.value, b.value));
}

export function meanWithInterval(values: readonly number[]): RunGroup['figures'][string] {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { n, mean, halfWidth: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return { n, mean, halfWidth: studentTQuantile(0.95, n - 1) * Math.sqrt(variance / n) };
}

function compareCells(a: string | number | null, b: string | number | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}
