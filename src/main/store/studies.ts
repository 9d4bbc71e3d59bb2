import { asWritable, type ReadableDb } from './database.ts';
import { StoreError } from './errors.ts';
import { insertStudy, selectStudies, selectStudy, type NewStudy, type StudyRecord } from './tables/study.ts';
import { selectRunsOfStudy, selectStudiesOfRun, upsertStudyRun, type StudyRun } from './tables/studyRun.ts';

export type { StudyRecord };

export interface Studies {
  create(study: NewStudy): StudyRecord;
  /** Newest first. */
  list(): StudyRecord[];
  /** @throws StoreError 'not-found' */
  get(id: number): StudyRecord;
  /** Makes the run the one at this place of the study's grid. */
  link(studyId: number, at: StudyRun): void;
  /** By position; places without a run yet are left out. */
  runs(studyId: number): StudyRun[];
  /** Ids of the studies that the run is part of. */
  ofRun(runId: number): number[];
}

export function openStudies(db: ReadableDb, now: () => Date): Studies {
  const get = (id: number): StudyRecord => {
    const study = selectStudy(db, id);
    if (study !== null) return study;
    throw new StoreError('not-found', `find study ${id}: there is none of this number; list them with ptw studies`);
  };
  return {
    create: (study) => get(insertStudy(asWritable(db), { ...study, createdAt: now().toISOString() })),
    list: () => selectStudies(db),
    get,
    link(studyId, at) {
      upsertStudyRun(asWritable(db), studyId, at);
    },
    runs: (studyId) => selectRunsOfStudy(db, studyId),
    ofRun: (runId) => selectStudiesOfRun(db, runId),
  };
}
