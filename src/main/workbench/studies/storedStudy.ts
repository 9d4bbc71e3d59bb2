import type { RunStatus } from '../../store/tables/run.ts';
import type { Store } from '../../store/store.ts';
import type { StudyRecord } from '../../store/studies.ts';
import type { Study } from '../../../shared/study.ts';
import type { ReportRow } from '../../../shared/report.ts';
import { reportOf } from '../report.ts';
import { storedRun, type StoredRun } from '../storedRun.ts';
import { expandStudy, type GridCell } from './expandStudy.ts';
import { parseStudy } from './loadStudy.ts';
import { runOfCell } from './runStudy.ts';

/** A place of the grid with what its run has so far. */
export interface CellResult {
  readonly cell: GridCell;
  /** Null where it was not begun; likewise the rest. */
  readonly run: StoredRun | null;
  readonly status: RunStatus | null;
  readonly failure: string | null;
  readonly rows: readonly ReportRow[];
}

export interface StoredStudy {
  readonly record: StudyRecord;
  readonly study: Study;
  readonly cells: readonly CellResult[];
}

/** @throws StoreError 'not-found' for an unknown study, BadInput for one of another version */
export function storedStudy(store: Store, id: number): StoredStudy {
  const record = store.studies.get(id);
  const { study } = parseStudy(record.config, `the stored study ${id}`);
  const cells = expandStudy(study).map((cell): CellResult => {
    const found = runOfCell(store, id, cell);
    if (found === null) return { cell, run: null, status: null, failure: null, rows: [] };
    const run = storedRun(store, found.id);
    return { cell, run, status: found.status, failure: found.failure, rows: reportOf(store, run) };
  });
  return { record, study, cells };
}

/** A line of `ptw studies`. */
export interface StudySummary {
  readonly id: number;
  readonly name: string;
  readonly createdAt: string;
  /** Runs begun so far, by how they stand. */
  readonly done: number;
  readonly failed: number;
  readonly interrupted: number;
  readonly running: number;
}

/** Newest first. */
export function listStudies(store: Store): StudySummary[] {
  return store.studies.list().map(({ id, name, createdAt }) => {
    const states = store.studies.runs(id).map(({ runId }) => store.runs.get(runId).status);
    const count = (status: RunStatus): number => states.filter((state) => state === status).length;
    return {
      id,
      name,
      createdAt,
      done: count('done'),
      failed: count('failed'),
      interrupted: count('interrupted'),
      running: count('running'),
    };
  });
}
