import { stringify } from 'csv-stringify/sync';
import { EXPORT_FORMATS, type ExportFormat } from '../../../shared/api/run.ts';
import type { Store } from '../../store/store.ts';
import { reportOf } from '../report.ts';
import { reading } from '../storeOfFolder.ts';
import { storedRun, type StoredRun } from '../storedRun.ts';
import { evidencePlan } from './evidence/evidencePlan.ts';
import { requireFinished } from './finished.ts';
import { jsonDocument } from './json.ts';
import { latexTable } from './latex.ts';
import { onnxPlan } from './onnx/onnxPlan.ts';
import { safetensorsPlan } from './safetensors.ts';
import { tablesOf, type FlatTable } from './tables.ts';
import { planOfPieces, writePlan, type Destination, type ExportPlan } from './writePlan.ts';

export { EXPORT_FORMATS, type ExportFormat };

/** What each format is, for a command's help. */
export const EXPORT_DESCRIPTIONS: Readonly<Record<ExportFormat, string>> = {
  json: 'one document with everything but weights, all evidence included; of unfinished runs what there is',
  csv: 'a table a file; of unfinished runs what there is',
  latex: "the run's table for a paper, with booktabs",
  safetensors: 'weights of the extractor and of each head',
  onnx: 'extractor, heads, and both in one, for any ONNX runtime',
  evidence: 'a folder with the evidence of every certificate and verify.py, which rechecks each verdict by itself',
};

export interface ExportRequest extends Destination {
  readonly format: ExportFormat;
}

const PLANS: Readonly<Record<ExportFormat, (store: Store, run: StoredRun) => ExportPlan>> = {
  json: (store, run) => planOfPieces({ [`run-${run.run.id}.json`]: jsonDocument(store, run) }),
  csv: (store, run) =>
    planOfPieces(
      Object.fromEntries(tablesOf(store, run).map((table) => [`run-${run.run.id}-${table.name}.csv`, csvLines(table)])),
    ),
  latex: (store, run) => {
    requireFinished(run, 'latex', null);
    const facts = { runId: run.run.id, config: run.config };
    return planOfPieces({ [`run-${run.run.id}-table.tex`]: latexTable(reportOf(store, run), facts) });
  },
  safetensors: safetensorsPlan,
  onnx: onnxPlan,
  evidence: evidencePlan,
};

/**
 * Writes a run's results, weights or evidence into a folder.
 * @returns the paths written
 * @throws BadInput when a file is there already, the folder cannot be written or the run lacks parts; StoreError; DataError
 */
export function exportRun(folder: string, id: number, { format, ...destination }: ExportRequest): string[] {
  return reading(folder, (store) => writePlan(PLANS[format](store, storedRun(store, id)), destination));
}

function* csvLines({ columns, rows }: FlatTable): Generator<string> {
  yield stringify([[...columns]]);
  const cast = { boolean: (value: boolean): string => String(value) };
  for (const row of rows) yield stringify([[...row]], { cast });
}
