import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import type { ArtefactRecord } from './artefact.ts';

export type ArtefactRole = 'weights' | 'checkpoint';

export interface StageArtefactRecord extends ArtefactRecord {
  readonly role: ArtefactRole;
}

/** The hash that had the role before gives it up in the same statement. */
export function upsertStageArtefact(
  db: WritableDb,
  link: { readonly stageId: number; readonly role: ArtefactRole; readonly hash: string },
): void {
  statement(
    db,
    `INSERT INTO stage_artefact (stage_id, role, hash) VALUES (?, ?, ?)
     ON CONFLICT (stage_id, role) DO UPDATE SET hash = excluded.hash`,
  ).run(link.stageId, link.role, link.hash);
}

export function deleteStageArtefact(db: WritableDb, stageId: number, role: ArtefactRole): void {
  statement(db, 'DELETE FROM stage_artefact WHERE stage_id = ? AND role = ?').run(stageId, role);
}

export const ARTEFACTS_OF_STAGE = `SELECT role, artefact.hash, kind, bytes FROM stage_artefact
  JOIN artefact ON artefact.hash = stage_artefact.hash WHERE stage_id = ? ORDER BY role`;

export function selectArtefactsOfStage(db: ReadableDb, stageId: number): StageArtefactRecord[] {
  return statement<StageArtefactRecord>(db, ARTEFACTS_OF_STAGE).all(stageId);
}

export const STAGES_OF_ARTEFACT = 'SELECT stage_id FROM stage_artefact WHERE hash = ?';

export function selectStagesOfArtefact(db: ReadableDb, hash: string): number[] {
  return statement<{ stage_id: number }>(db, STAGES_OF_ARTEFACT)
    .all(hash)
    .map((row) => row.stage_id);
}
