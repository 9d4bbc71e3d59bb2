import { statement, type ReadableDb, type WritableDb } from '../database.ts';

/** Replaces the figures of a run. */
export function replaceRunFigures(db: WritableDb, runId: number, figures: ReadonlyMap<string, number>): void {
  statement(db, 'DELETE FROM run_figure WHERE run_id = ?').run(runId);
  for (const [name, value] of figures) {
    statement(db, 'INSERT INTO run_figure (run_id, name, value) VALUES (?, ?, ?)').run(runId, name, value);
  }
  statement(db, 'UPDATE run SET has_figures = 1 WHERE id = ?').run(runId);
}

export const RUNS_WITHOUT_FIGURES = "SELECT id FROM run WHERE has_figures = 0 AND status <> 'running'";

/** Ended runs whose figures were never taken, as those of earlier programs. */
export function selectRunsWithoutFigures(db: ReadableDb): number[] {
  return statement<{ id: number }>(db, RUNS_WITHOUT_FIGURES)
    .all()
    .map(({ id }) => id);
}
