import type { Domain } from '../../../shared/config.ts';
import { expectOneChange, statement, type ReadableDb, type WritableDb } from '../database.ts';
import { fromJson, fromNullableReal, toJson, toNullableReal } from '../exactValues.ts';

export const STAGE_KINDS = [
  'extractor',
  'head',
  'prediction',
  'pgd',
  'noise-attack',
  'adversarial-search',
  'certification',
] as const;
export type StageKind = (typeof STAGE_KINDS)[number];
export type StageStatus = 'pending' | 'running' | 'done' | 'failed';

/** What a stage is, before it has run. */
export interface NewStage {
  /** SHA-256, lower-case hex, of everything the stage's outputs depend on. */
  readonly key: string;
  readonly kind: StageKind;
  readonly domain: Domain | null;
  readonly headLabel: string | null;
  /** What the key is the hash of, for people. */
  readonly inputs: unknown;
}

export interface StageRecord extends NewStage {
  readonly id: number;
  readonly status: StageStatus;
  readonly metrics: unknown;
  readonly environment: unknown;
  readonly seconds: number | null;
}

export interface StageRow {
  readonly id: number;
  readonly key: string;
  readonly kind: StageKind;
  readonly domain: Domain | null;
  readonly head_label: string | null;
  readonly inputs: string;
  readonly status: StageStatus;
  readonly metrics: string | null;
  readonly environment: string | null;
  readonly seconds: number | string | null;
}

export function toStage(row: StageRow): StageRecord {
  return {
    id: row.id,
    key: row.key,
    kind: row.kind,
    domain: row.domain,
    headLabel: row.head_label,
    inputs: fromJson(row.inputs),
    status: row.status,
    metrics: row.metrics === null ? null : fromJson(row.metrics),
    environment: row.environment === null ? null : fromJson(row.environment),
    seconds: fromNullableReal(row.seconds),
  };
}

/** Does nothing when a stage of this key exists. */
export function insertStage(db: WritableDb, stage: NewStage): void {
  statement(
    db,
    `INSERT INTO stage (key, kind, domain, head_label, inputs, status) VALUES (?, ?, ?, ?, ?, 'pending')
     ON CONFLICT (key) DO NOTHING`,
  ).run(stage.key, stage.kind, stage.domain, stage.headLabel, toJson(stage.inputs));
}

export function selectStage(db: ReadableDb, id: number): StageRecord | null {
  const row = statement<StageRow>(db, 'SELECT * FROM stage WHERE id = ?').get(id);
  return row === undefined ? null : toStage(row);
}

/** What tells the stage's certificates from those of others; null when there is no such stage. */
export function selectStageIdentity(
  db: ReadableDb,
  id: number,
): Pick<StageRecord, 'key' | 'domain' | 'headLabel'> | null {
  const sql = 'SELECT key, domain, head_label AS headLabel FROM stage WHERE id = ?';
  return statement<Pick<StageRecord, 'key' | 'domain' | 'headLabel'>>(db, sql).get(id) ?? null;
}

export const STAGE_BY_KEY = 'SELECT * FROM stage WHERE key = ?';

export function selectStageByKey(db: ReadableDb, key: string): StageRecord | null {
  const row = statement<StageRow>(db, STAGE_BY_KEY).get(key);
  return row === undefined ? null : toStage(row);
}

/** What is known when the status changes; what is left out stays as it was. */
export interface StageChange {
  readonly status: StageStatus;
  readonly metrics?: unknown;
  readonly environment?: unknown;
  readonly seconds?: number;
}

/** @throws StoreError 'not-found' when there is no such stage. */
export function updateStage(db: WritableDb, id: number, change: StageChange): void {
  const result = statement(
    db,
    `UPDATE stage SET status = ?, metrics = ifnull(?, metrics), environment = ifnull(?, environment), seconds = ifnull(?, seconds)
     WHERE id = ?`,
  ).run(
    change.status,
    change.metrics === undefined ? null : toJson(change.metrics),
    change.environment === undefined ? null : toJson(change.environment),
    toNullableReal(change.seconds ?? null),
    id,
  );
  expectOneChange(result, `set status ${change.status}`, `stage ${id}`);
}

export const ABANDONED_STAGES = `UPDATE stage SET status = 'pending' WHERE status = 'running' AND NOT EXISTS (
  SELECT 1 FROM run_stage JOIN run ON run.id = run_stage.run_id
  WHERE run_stage.stage_id = stage.id AND run.status = 'running')`;

/** Stages may belong to several runs; one is abandoned when none of them is running. */
export function updateAbandonedStages(db: WritableDb): void {
  statement(db, ABANDONED_STAGES).run();
}
