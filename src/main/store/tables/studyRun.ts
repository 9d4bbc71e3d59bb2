import { statement, type ReadableDb, type WritableDb } from '../database.ts';

/** A place in a study's grid and the run that fills it. */
export interface StudyRun {
  readonly position: number;
  readonly runId: number;
}

/** Another run at the same place takes it over. */
export function upsertStudyRun(db: WritableDb, studyId: number, { position, runId }: StudyRun): void {
  statement(
    db,
    `INSERT INTO study_run (study_id, position, run_id) VALUES (?, ?, ?)
     ON CONFLICT (study_id, position) DO UPDATE SET run_id = excluded.run_id`,
  ).run(studyId, position, runId);
}

export const RUNS_OF_STUDY = 'SELECT position, run_id AS runId FROM study_run WHERE study_id = ? ORDER BY position';

export function selectRunsOfStudy(db: ReadableDb, studyId: number): StudyRun[] {
  return statement<StudyRun>(db, RUNS_OF_STUDY).all(studyId);
}

export const STUDIES_OF_RUN = 'SELECT study_id FROM study_run WHERE run_id = ?';

/** Studies that a run is part of, in no order. */
export function selectStudiesOfRun(db: ReadableDb, runId: number): number[] {
  return statement<{ study_id: number }>(db, STUDIES_OF_RUN)
    .all(runId)
    .map((row) => row.study_id);
}
