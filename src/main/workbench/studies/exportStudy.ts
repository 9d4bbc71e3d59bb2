import { stringify } from 'csv-stringify/sync';
import { wilsonInterval } from '../../math/wilson.ts';
import { planOfPieces, writePlan } from '../export/writePlan.ts';
import { jsonText } from '../export/json.ts';
import { latexTable } from './latex.ts';
import type { StudyReport } from './studyReport.ts';
import type { StudyTable, StudyValue } from './studyTables.ts';

export interface StudyExportRequest {
  /** Folder of the files; made if need be. */
  readonly out: string;
  /** Replace files of the same names. */
  readonly force: boolean;
}

/**
 * Writes a study's tables: `study-<id>.json` with everything, and a CSV and a LaTeX file a table.
 * @returns the paths written
 * @throws BadInput when a file is there already or the folder cannot be written
 */
export function exportStudy(report: StudyReport, { out, force }: StudyExportRequest): string[] {
  const name = `study-${report.study.id}`;
  const files = report.tables.flatMap((table): [string, Iterable<string>][] => [
    [`${name}-${table.kind}.csv`, [csvText(table)]],
    [`${name}-${table.kind}.tex`, [latexTable(table, report.study)]],
  ]);
  const pieces = Object.fromEntries([[`${name}.json`, [`${jsonText(report, 1)}\n`]], ...files]);
  return writePlan(planOfPieces(pieces), { out, force });
}

/** One row a row of the table; percentages as percentages. Empty cells where there is no number. */
function csvText({ kind, keys, columns, rows }: StudyTable): string {
  const header = [
    ...keys.map((key) => key.toLowerCase()),
    ...columns.flatMap(({ key, group, title }) => {
      const name = kind === 'accuracy' ? `${group} ${title}` : key;
      const paper = kind === 'radius' ? ['lower', 'upper'] : ['published', 'difference'];
      return [name, ...['min', 'max', 'runs', ...paper].map((what) => `${name}_${what}`)];
    }),
    'scale',
    'missing',
  ];
  const cells = kind === 'radius' ? cellsWithInterval : cellsOf;
  const lines = rows.map((row) => [...row.keys, ...row.values.flatMap(cells), row.scale, row.missing]);
  return stringify([header, ...lines]);
}

function cellsOf({ ours, published, difference }: StudyValue): (number | null)[] {
  const { mean = null, min = null, max = null, values = [] } = ours ?? {};
  return [mean, min, max, values.length, published, difference];
}

/** The paper has no such numbers; in their place Wilson's 95 % interval of the instances of all seeds together, in percent. */
function cellsWithInterval(value: StudyValue): (number | null)[] {
  const shares = value.ours?.values.flatMap(({ share }) => share ?? []) ?? [];
  const [hits, total] = (['hits', 'total'] as const).map((key) => shares.reduce((sum, share) => sum + share[key], 0));
  const interval = total === 0 ? null : wilsonInterval(hits, total);
  const percent = (share: number): number => 100 * share;
  return [
    ...cellsOf(value).slice(0, -2),
    ...(interval === null ? [null, null] : [interval.lower, interval.upper].map(percent)),
  ];
}
