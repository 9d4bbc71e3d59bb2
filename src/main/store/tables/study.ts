import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { fromJson, toJson } from '../exactValues.ts';

export interface StudyRecord {
  readonly id: number;
  readonly name: string;
  /** As it was given; an older program may have written it, so validate it before use. */
  readonly config: unknown;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

interface StudyRow {
  readonly id: number;
  readonly name: string;
  readonly config: string;
  readonly created_at: string;
}

function toStudy({ id, name, config, created_at }: StudyRow): StudyRecord {
  return { id, name, config: fromJson(config), createdAt: created_at };
}

export interface NewStudy {
  readonly name: string;
  readonly config: unknown;
}

export function insertStudy(db: WritableDb, study: NewStudy & { readonly createdAt: string }): number {
  const result = statement(db, 'INSERT INTO study (name, config, created_at) VALUES (?, ?, ?)').run(
    study.name,
    toJson(study.config),
    study.createdAt,
  );
  return Number(result.lastInsertRowid);
}

export function selectStudy(db: ReadableDb, id: number): StudyRecord | null {
  const row = statement<StudyRow>(db, 'SELECT * FROM study WHERE id = ?').get(id);
  return row === undefined ? null : toStudy(row);
}

/** Newest first. */
export function selectStudies(db: ReadableDb): StudyRecord[] {
  return statement<StudyRow>(db, 'SELECT * FROM study ORDER BY id DESC').all().map(toStudy);
}
