import type { Store } from '../../store/store.ts';
import type { RunStatus } from '../../store/tables/run.ts';
import { reading } from '../storeOfFolder.ts';
import { storedStudy } from './storedStudy.ts';
import { studyTables, type StudyTable } from './studyTables.ts';

export interface StudyRunState {
  readonly position: number;
  readonly name: string;
  /** Null where it was not begun. */
  readonly run: number | null;
  readonly status: RunStatus | null;
  readonly failure: string | null;
}

/** A study with its tables, as it stands. */
export interface StudyReport {
  readonly study: {
    readonly id: number;
    readonly name: string;
    readonly scale: string;
    readonly createdAt: string;
    /** The document it was begun with. */
    readonly config: unknown;
  };
  readonly runs: readonly StudyRunState[];
  readonly tables: readonly StudyTable[];
}

/** @throws StoreError 'not-found', BadInput for a study of another version */
export function showStudy(folder: string, id: number): StudyReport {
  return reading(folder, (store) => studyReport(store, id));
}

export function studyReport(store: Store, id: number): StudyReport {
  const stored = storedStudy(store, id);
  const { name, createdAt, config } = stored.record;
  return {
    study: { id, name, scale: stored.study.scale, createdAt, config },
    runs: stored.cells.map(({ cell, run, status, failure }) => ({
      position: cell.position,
      name: cell.name,
      run: run?.run.id ?? null,
      status,
      failure,
    })),
    tables: studyTables(store, stored),
  };
}
