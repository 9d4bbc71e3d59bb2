import { asWritable, inTransaction, type ReadableDb } from './database.ts';
import { StoreError } from './errors.ts';
import {
  selectLaunch,
  selectLaunchByName,
  selectLaunches,
  selectLaunchesOfStudy,
  upsertLaunch,
  type LaunchRecord,
  type NewLaunch,
} from './tables/launch.ts';

export type { LaunchRecord };

/** Studies that were sent to Slurm or to processes of their own. */
export interface Launches {
  /** A launch of this name keeps its number and takes the new place. */
  record(launch: NewLaunch): LaunchRecord;
  /** Newest first. */
  list(): LaunchRecord[];
  /** @throws StoreError 'not-found' */
  get(id: number): LaunchRecord;
  findByName(name: string): LaunchRecord | null;
  /** Newest first. */
  ofStudy(studyId: number): LaunchRecord[];
}

export function openLaunches(db: ReadableDb, now: () => Date): Launches {
  return {
    record(launch) {
      const target = asWritable(db);
      inTransaction(target, () => upsertLaunch(target, { ...launch, createdAt: now().toISOString() }));
      return selectLaunchByName(db, launch.name)!;
    },
    list: () => selectLaunches(db),
    get(id) {
      const launch = selectLaunch(db, id);
      if (launch !== null) return launch;
      throw new StoreError('not-found', `find launch ${id}: there is none of this number; list them with ptw launches`);
    },
    findByName: (name) => selectLaunchByName(db, name),
    ofStudy: (studyId) => selectLaunchesOfStudy(db, studyId),
  };
}
