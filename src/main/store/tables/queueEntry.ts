import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { fromJson, toJson } from '../exactValues.ts';

/** What waits to be worked off. */
export type QueuedWork =
  | { readonly kind: 'run'; readonly config: unknown }
  | { readonly kind: 'resume'; readonly runId: number }
  | { readonly kind: 'study'; readonly studyId: number };

export type QueueEntry = QueuedWork & {
  readonly id: number;
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
};

interface QueueRow {
  readonly id: number;
  readonly kind: QueuedWork['kind'];
  readonly name: string;
  readonly config: string | null;
  readonly run_id: number | null;
  readonly study_id: number | null;
  readonly created_at: string;
}

function toEntry({ id, kind, name, config, run_id, study_id, created_at }: QueueRow): QueueEntry {
  const facts = { id, name, createdAt: created_at };
  switch (kind) {
    case 'run':
      return { ...facts, kind, config: fromJson(config!) };
    case 'resume':
      return { ...facts, kind, runId: run_id! };
    case 'study':
      return { ...facts, kind, studyId: study_id! };
  }
}

/** At the end, or before all others. */
export function insertQueueEntry(
  db: WritableDb,
  entry: QueuedWork & Pick<QueueEntry, 'name' | 'createdAt'> & { readonly isFirst: boolean },
): number {
  const position = entry.isFirst ? 'min(position) - 1' : 'max(position) + 1';
  const result = statement(
    db,
    `INSERT INTO queue_entry (position, kind, name, config, run_id, study_id, created_at)
     VALUES (ifnull((SELECT ${position} FROM queue_entry), 0), ?, ?, ?, ?, ?, ?)`,
  ).run(
    entry.kind,
    entry.name,
    entry.kind === 'run' ? toJson(entry.config) : null,
    entry.kind === 'resume' ? entry.runId : null,
    entry.kind === 'study' ? entry.studyId : null,
    entry.createdAt,
  );
  return Number(result.lastInsertRowid);
}

/** A person's queue is short: sorting it costs nothing. */
const QUEUE_ENTRIES = 'SELECT * FROM queue_entry ORDER BY position';

export function selectQueueEntries(db: ReadableDb): QueueEntry[] {
  return statement<QueueRow>(db, QUEUE_ENTRIES).all().map(toEntry);
}

export const QUEUED_RUN = 'SELECT * FROM queue_entry WHERE run_id = ?';
export const QUEUED_STUDY = 'SELECT * FROM queue_entry WHERE study_id = ?';

/** The entry that resumes a run, or works a study off; null when none does. */
export function selectQueuedFor(
  db: ReadableDb,
  work: Exclude<QueuedWork, { readonly kind: 'run' }>,
): QueueEntry | null {
  const [sql, id] = work.kind === 'resume' ? [QUEUED_RUN, work.runId] : [QUEUED_STUDY, work.studyId];
  const row = statement<QueueRow>(db, sql).get(id);
  return row === undefined ? null : toEntry(row);
}

/** Whether there was one. */
export function deleteQueueEntry(db: WritableDb, id: number): boolean {
  return statement(db, 'DELETE FROM queue_entry WHERE id = ?').run(id).changes === 1;
}

/** Numbers the entries in this order. */
export function updateQueueOrder(db: WritableDb, ids: readonly number[]): void {
  ids.forEach((id, position) => statement(db, 'UPDATE queue_entry SET position = ? WHERE id = ?').run(position, id));
}
