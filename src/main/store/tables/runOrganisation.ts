import { statement, type ReadableDb, type WritableDb } from '../database.ts';

export function updateRunNote(db: WritableDb, id: number, note: string): void {
  statement(db, 'UPDATE run SET note = ? WHERE id = ?').run(note, id);
}

export function updateRunPinned(db: WritableDb, id: number, isPinned: boolean): void {
  statement(db, 'UPDATE run SET pinned = ? WHERE id = ?').run(isPinned ? 1 : 0, id);
}

export function updateRunArchived(db: WritableDb, id: number, isArchived: boolean): void {
  statement(db, 'UPDATE run SET archived = ? WHERE id = ?').run(isArchived ? 1 : 0, id);
}

export function insertRunTag(db: WritableDb, id: number, tag: string): void {
  statement(db, 'INSERT INTO run_tag (run_id, tag) VALUES (?, ?) ON CONFLICT DO NOTHING').run(id, tag);
}

export function deleteRunTag(db: WritableDb, id: number, tag: string): void {
  statement(db, 'DELETE FROM run_tag WHERE run_id = ? AND tag = ?').run(id, tag);
}

export const TAGS_OF_RUN = 'SELECT tag FROM run_tag WHERE run_id = ? ORDER BY tag';

export function selectTagsOfRun(db: ReadableDb, id: number): string[] {
  return statement<{ tag: string }>(db, TAGS_OF_RUN)
    .all(id)
    .map(({ tag }) => tag);
}

export const TAG_COUNTS = 'SELECT tag, count(*) AS n FROM run_tag GROUP BY tag';

export function selectTagCounts(db: ReadableDb): { readonly tag: string; readonly n: number }[] {
  return statement<{ tag: string; n: number }>(db, TAG_COUNTS).all();
}

export function selectRunOrganisation(
  db: ReadableDb,
  id: number,
): { readonly note: string; readonly isPinned: boolean; readonly isArchived: boolean } {
  const row = statement<{ note: string; pinned: 0 | 1; archived: 0 | 1 }>(
    db,
    'SELECT note, pinned, archived FROM run WHERE id = ?',
  ).get(id)!;
  return { note: row.note, isPinned: row.pinned === 1, isArchived: row.archived === 1 };
}
