import { statement, type ReadableDb, type WritableDb } from '../database.ts';

export interface LogLine {
  readonly id: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
}

export function insertLogLine(db: WritableDb, runId: number, { at, level, text }: Omit<LogLine, 'id'>): number {
  const result = statement(db, 'INSERT INTO run_log (run_id, at, level, text) VALUES (?, ?, ?, ?)').run(
    runId,
    at,
    level,
    text,
  );
  return Number(result.lastInsertRowid);
}

export const LOG_OF_RUN =
  'SELECT id, at, level, text FROM run_log WHERE run_id = ? AND id < ? ORDER BY id DESC LIMIT ?';

/** The last lines before the one of that id, oldest first. */
export function selectLogLines(
  db: ReadableDb,
  runId: number,
  { before, limit }: { readonly before: number; readonly limit: number },
): LogLine[] {
  return statement<LogLine>(db, LOG_OF_RUN).all(runId, before, limit).reverse();
}
