import { expectOneChange, statement, type ReadableDb, type WritableDb } from '../database.ts';
import { fromJson, fromNullableReal, toJson, toReal } from '../exactValues.ts';
import type { Owner } from '../owner.ts';
import { insertRunValues } from './runValue.ts';

export type RunStatus = 'running' | 'interrupted' | 'failed' | 'done';

export interface RunRecord {
  readonly id: number;
  readonly name: string;
  /** As it was given; an older program may have written it, so validate it before use. */
  readonly config: unknown;
  readonly status: RunStatus;
  /** The sentence that says why; null unless failed. */
  readonly failure: string | null;
  /** Versions and devices the run was computed with. */
  readonly environment: unknown;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** Null until done or failed. */
  readonly finishedAt: string | null;
  /** Time of work, over all resumptions; null until the first of them ends. */
  readonly seconds: number | null;
  /** The process that works on it, or last did. */
  readonly owner: Owner;
}

interface RunRow {
  readonly id: number;
  readonly name: string;
  readonly config: string;
  readonly status: RunStatus;
  readonly failure: string | null;
  readonly environment: string;
  readonly created_at: string;
  readonly finished_at: string | null;
  readonly seconds: number | string | null;
  readonly owner_pid: number;
  readonly owner_start_token: string;
}

function toRun(row: RunRow): RunRecord {
  return {
    id: row.id,
    name: row.name,
    config: fromJson(row.config),
    status: row.status,
    failure: row.failure,
    environment: fromJson(row.environment),
    createdAt: row.created_at,
    finishedAt: row.finished_at,
    seconds: fromNullableReal(row.seconds),
    owner: { pid: row.owner_pid, startToken: row.owner_start_token },
  };
}

export interface NewRun {
  readonly name: string;
  readonly config: unknown;
  readonly environment: unknown;
}

export function insertRun(db: WritableDb, run: NewRun & { readonly createdAt: string; readonly owner: Owner }): number {
  const result = statement(
    db,
    `INSERT INTO run (name, config, status, environment, created_at, owner_pid, owner_start_token)
     VALUES (?, ?, 'running', ?, ?, ?, ?)`,
  ).run(run.name, toJson(run.config), toJson(run.environment), run.createdAt, run.owner.pid, run.owner.startToken);
  const id = Number(result.lastInsertRowid);
  insertRunValues(db, id);
  return id;
}

export function selectRun(db: ReadableDb, id: number): RunRecord | null {
  const row = statement<RunRow>(db, 'SELECT * FROM run WHERE id = ?').get(id);
  return row === undefined ? null : toRun(row);
}

/** Newest first. */
export function selectRuns(db: ReadableDb): RunRecord[] {
  return statement<RunRow>(db, 'SELECT * FROM run ORDER BY id DESC').all().map(toRun);
}

export const RUNNING_RUNS = "SELECT * FROM run WHERE status = 'running'";

export function selectRunningRuns(db: ReadableDb): RunRecord[] {
  return statement<RunRow>(db, RUNNING_RUNS).all().map(toRun);
}

/** How a spell of work on a run ended. */
export interface RunEnd {
  readonly status: Exclude<RunStatus, 'running'>;
  readonly failure: string | null;
  /** Null when the run can go on later. */
  readonly finishedAt: string | null;
  /** Of this spell; added to those before. */
  readonly seconds: number;
}

/** @throws StoreError 'not-found' unless the run is there and running. */
export function updateRunEnded(db: WritableDb, id: number, end: RunEnd): void {
  const result = statement(
    db,
    `UPDATE run SET status = ?, failure = ?, finished_at = ?, seconds = ifnull(seconds, 0) + ?
     WHERE id = ? AND status = 'running'`,
  ).run(end.status, end.failure, end.finishedAt, toReal(end.seconds), id);
  expectOneChange(result, `end run ${id} as ${end.status}`, 'a running run of this number');
}

/** @throws StoreError 'not-found' unless the run is there and not running. */
export function updateRunResumed(
  db: WritableDb,
  id: number,
  by: { readonly owner: Owner; readonly environment: unknown },
): void {
  const result = statement(
    db,
    `UPDATE run SET status = 'running', failure = NULL, finished_at = NULL, environment = ?, owner_pid = ?, owner_start_token = ?
     WHERE id = ? AND status <> 'running'`,
  ).run(toJson(by.environment), by.owner.pid, by.owner.startToken, id);
  expectOneChange(result, `resume run ${id}`, 'a run of this number that is not running');
}
