import { statement, type ReadableDb, type WritableDb } from '../database.ts';

/** Leaves of a config by their path: objects and lists are their leaves, and what is null is none. */
export function insertRunValues(db: WritableDb, runId: number): void {
  statement(
    db,
    `INSERT OR REPLACE INTO run_value (run_id, key, value)
     SELECT run.id, substr(leaf.fullkey, 3), 
       iif(leaf.type IN ('true', 'false'), leaf.type, leaf.atom)
     FROM run, json_tree(run.config) AS leaf
     WHERE run.id = ? AND leaf.atom IS NOT NULL`,
  ).run(runId);
}

export function selectRunValues(db: ReadableDb, runId: number): Map<string, string | number> {
  const rows = statement<{ key: string; value: string | number }>(
    db,
    'SELECT key, value FROM run_value WHERE run_id = ?',
  ).all(runId);
  return new Map(rows.map(({ key, value }) => [key, value]));
}
