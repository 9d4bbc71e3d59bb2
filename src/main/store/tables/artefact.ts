import { statement, type ReadableDb, type WritableDb } from '../database.ts';

export interface ArtefactRecord {
  /** SHA-256 of the bytes, lower-case hex. */
  readonly hash: string;
  /** What the bytes are, e.g. "safetensors". */
  readonly kind: string;
  readonly bytes: number;
}

/** Does nothing when an artefact of this hash exists. */
export function insertArtefact(db: WritableDb, artefact: ArtefactRecord): void {
  statement(db, 'INSERT INTO artefact (hash, kind, bytes) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING').run(
    artefact.hash,
    artefact.kind,
    artefact.bytes,
  );
}

export const ARTEFACT_BY_HASH = 'SELECT hash, kind, bytes FROM artefact WHERE hash = ?';

export function selectArtefact(db: ReadableDb, hash: string): ArtefactRecord | null {
  return statement<ArtefactRecord>(db, ARTEFACT_BY_HASH).get(hash) ?? null;
}

export const UNREFERENCED_ARTEFACTS = `DELETE FROM artefact
  WHERE NOT EXISTS (SELECT 1 FROM stage_artefact WHERE stage_artefact.hash = artefact.hash)`;

const UNREFERENCED_ARTEFACT = `DELETE FROM artefact
  WHERE hash = ? AND NOT EXISTS (SELECT 1 FROM stage_artefact WHERE stage_artefact.hash = artefact.hash)`;

/** Whether it went. */
export function deleteIfUnreferenced(db: WritableDb, hash: string): boolean {
  return statement(db, UNREFERENCED_ARTEFACT).run(hash).changes === 1;
}

/** How many rows went. */
export function deleteUnreferencedArtefacts(db: WritableDb): number {
  return statement(db, UNREFERENCED_ARTEFACTS).run().changes;
}
