import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { fromJson, toJson } from '../exactValues.ts';

export interface NewLaunch {
  /** Unique on every machine; names the launch's folder. */
  readonly name: string;
  readonly studyId: number;
  /** Where its folder lies and how commands get there. */
  readonly place: unknown;
}

export interface LaunchRecord extends NewLaunch {
  readonly id: number;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

interface LaunchRow {
  readonly id: number;
  readonly name: string;
  readonly study_id: number;
  readonly place: string;
  readonly created_at: string;
}

const toLaunch = (row: LaunchRow): LaunchRecord => ({
  id: row.id,
  name: row.name,
  studyId: row.study_id,
  place: fromJson(row.place),
  createdAt: row.created_at,
});

/** A launch of this name keeps its row; where it lies may have changed. */
export function upsertLaunch(db: WritableDb, launch: NewLaunch & { readonly createdAt: string }): void {
  const { name, studyId, place, createdAt } = launch;
  const known = statement(db, 'UPDATE launch SET place = ? WHERE name = ?').run(toJson(place), name);
  // ON CONFLICT would use up a number each time that a launch is there.
  if (known.changes > 0) return;
  statement(db, 'INSERT INTO launch (name, study_id, place, created_at) VALUES (?, ?, ?, ?)').run(
    name,
    studyId,
    toJson(place),
    createdAt,
  );
}

export function selectLaunch(db: ReadableDb, id: number): LaunchRecord | null {
  const row = statement<LaunchRow>(db, 'SELECT * FROM launch WHERE id = ?').get(id);
  return row === undefined ? null : toLaunch(row);
}

export const LAUNCH_BY_NAME = 'SELECT * FROM launch WHERE name = ?';

export function selectLaunchByName(db: ReadableDb, name: string): LaunchRecord | null {
  const row = statement<LaunchRow>(db, LAUNCH_BY_NAME).get(name);
  return row === undefined ? null : toLaunch(row);
}

/** Newest first. */
export function selectLaunches(db: ReadableDb): LaunchRecord[] {
  return statement<LaunchRow>(db, 'SELECT * FROM launch ORDER BY id DESC').all().map(toLaunch);
}

export const LAUNCHES_OF_STUDY = 'SELECT * FROM launch WHERE study_id = ? ORDER BY id DESC';

/** Newest first. */
export function selectLaunchesOfStudy(db: ReadableDb, studyId: number): LaunchRecord[] {
  return statement<LaunchRow>(db, LAUNCHES_OF_STUDY).all(studyId).map(toLaunch);
}
