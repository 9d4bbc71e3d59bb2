import type { StudyReport, StudyRunState } from '../../../shared/studyReport.ts';
import type { Store } from '../../store/store.ts';
import { reading } from '../storeOfFolder.ts';
import { devicesOf, mixedDevices } from './devices.ts';
import { storedStudy } from './storedStudy.ts';
import { studyTables } from './studyTables.ts';

export type { StudyReport, StudyRunState };

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
    notices: mixedDevices(devicesOf(stored.cells.flatMap(({ run }) => run ?? [])), 'stages'),
    tables: studyTables(store, stored),
  };
}
