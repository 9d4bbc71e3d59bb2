import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { fromJson, toJson, toReal } from '../exactValues.ts';

export interface ShardRecord {
  /** SHA-256 of its file. */
  readonly hash: string;
  /** Name of the launch. */
  readonly launch: string;
  /** Name of the task. */
  readonly task: string;
  /** What it was computed with. */
  readonly provenance: unknown;
}

interface ShardRow {
  readonly hash: string;
  readonly launch: string;
  readonly task: string;
  readonly provenance: string;
}

const toShard = ({ provenance, ...row }: ShardRow): ShardRecord => ({ ...row, provenance: fromJson(provenance) });

export function insertShard(db: WritableDb, shard: ShardRecord & { readonly importedAt: string }): void {
  statement(db, 'INSERT INTO shard (hash, launch, task, provenance, imported_at) VALUES (?, ?, ?, ?, ?)').run(
    shard.hash,
    shard.launch,
    shard.task,
    toJson(shard.provenance),
    shard.importedAt,
  );
}

export const SHARD_BY_HASH = 'SELECT hash, launch, task, provenance FROM shard WHERE hash = ?';

export function selectShard(db: ReadableDb, hash: string): ShardRecord | null {
  const row = statement<ShardRow>(db, SHARD_BY_HASH).get(hash);
  return row === undefined ? null : toShard(row);
}

export interface ShardOfStage {
  readonly stageId: number;
  readonly shardHash: string;
  /** Instances that the whole stage has; 0 for one that is trained. */
  readonly expected: number;
  readonly seconds: number;
}

export function insertShardStage(db: WritableDb, of: ShardOfStage): void {
  statement(db, 'INSERT INTO shard_stage (stage_id, shard_hash, expected, seconds) VALUES (?, ?, ?, ?)').run(
    of.stageId,
    of.shardHash,
    of.expected,
    toReal(of.seconds),
  );
}

export const SHARDS_OF_STAGE = `SELECT shard.hash, launch, task, provenance FROM shard_stage
  JOIN shard ON shard.hash = shard_hash WHERE stage_id = ? ORDER BY launch, task`;

export function selectShardsOfStage(db: ReadableDb, stageId: number): ShardRecord[] {
  return statement<ShardRow>(db, SHARDS_OF_STAGE).all(stageId).map(toShard);
}

export const SHARD_TOTALS =
  'SELECT max(expected) AS expected, total(seconds) AS seconds FROM shard_stage WHERE stage_id = ?';

/** Instances that the whole stage has, and the time its shards took together; null where none came. */
export function selectShardTotals(
  db: ReadableDb,
  stageId: number,
): { readonly expected: number; readonly seconds: number } | null {
  const row = statement<{ expected: number | null; seconds: number }>(db, SHARD_TOTALS).get(stageId)!;
  return row.expected === null ? null : { expected: row.expected, seconds: row.seconds };
}

/** Shards of a stage that goes are forgotten: what they held of other stages is there already when they come again. */
export function deleteShardsOfStage(db: WritableDb, stageId: number): void {
  statement(db, 'DELETE FROM shard WHERE hash IN (SELECT shard_hash FROM shard_stage WHERE stage_id = ?)').run(stageId);
}

export const SHARD_HASHES = 'SELECT hash FROM shard WHERE launch = ?';

export function selectShardHashes(db: ReadableDb, launch: string): string[] {
  return statement<{ hash: string }>(db, SHARD_HASHES)
    .all(launch)
    .map(({ hash }) => hash);
}
