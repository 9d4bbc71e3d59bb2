import { DOMAINS } from '../../../shared/config.ts';
import { StoreError } from '../../store/errors.ts';
import type { Store } from '../../store/store.ts';
import { BadInput } from '../errors.ts';
import type { ReportRow } from '../../../shared/report.ts';
import { reportOf } from '../report.ts';
import { cellValue, REPORT_COLUMNS, type ReportColumn } from '../../../shared/reportColumns.ts';
import { storedRun } from '../storedRun.ts';

/** Columns of the run's table that are numbers. */
const MEASURES = REPORT_COLUMNS.filter(({ group }) => group !== '');
const measureName = ({ group, title }: ReportColumn): string => `${group} ${title}`;

/**
 * A run's results by name, as lists show them: "target / 4-layer wn / Pairwise A_V" for each head, and "target / best / …" for the
 * greatest of all heads.
 */
export function figuresOf(rows: readonly ReportRow[]): Map<string, number> {
  const figures = new Map<string, number>();
  for (const domain of DOMAINS) {
    const ofDomain = rows.filter((row) => row.domain === domain);
    for (const column of MEASURES) {
      const values = ofDomain.flatMap((row) => {
        const value = cellValue(column.cell(row));
        return typeof value === 'number' ? [{ head: row.head, value }] : [];
      });
      for (const { head, value } of values) figures.set(`${domain} / ${head} / ${measureName(column)}`, value);
      if (values.length > 0) {
        figures.set(`${domain} / best / ${measureName(column)}`, Math.max(...values.map(({ value }) => value)));
      }
    }
  }
  return figures;
}

/** Bytes that one engine process took at most, as long as it lived. */
export const MEMORY_FIGURE = 'engine / peak memory';

/**
 * Takes the figures of a run from its results as they are. A run of another version's config has none.
 * @param peakBytes of the engine that worked on it; null where nobody knows
 */
export function recordFigures(store: Store, run: number, peakBytes: number | null = null): void {
  const figures = figuresNow(store, run);
  const before = store.runList.cell(run, { kind: 'figure', name: MEMORY_FIGURE });
  const peak = Math.max(peakBytes ?? 0, typeof before === 'number' ? before : 0);
  if (peak > 0) figures.set(MEMORY_FIGURE, peak);
  store.runList.setFigures(run, figures);
}

function figuresNow(store: Store, run: number): Map<string, number> {
  try {
    return figuresOf(reportOf(store, storedRun(store, run)));
  } catch (error) {
    if (error instanceof BadInput) return new Map();
    throw error;
  }
}

/** Takes those that were never taken, one at a time between other work. @returns what stops it */
export function recordMissingFigures(store: Store, told: (run: number) => void): () => void {
  const runs = store.runList.withoutFigures();
  let next: NodeJS.Immediate | null = null;
  const step = (): void => {
    const run = runs.pop();
    if (run === undefined) return;
    try {
      recordFigures(store, run);
      told(run);
    } catch (error) {
      // Damaged rows or a full disk: the run is listed without figures, and whoever opens it is told.
      if (!(error instanceof StoreError)) throw error;
    }
    next = setImmediate(step);
  };
  next = setImmediate(step);
  return () => clearImmediate(next!);
}
