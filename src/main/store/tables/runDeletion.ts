import { deleteShardsOfStage } from './shard.ts';
import { statement, type ReadableDb, type WritableDb } from '../database.ts';

export function selectRunsOfStage(db: ReadableDb, stageId: number): number[] {
  return statement<{ run_id: number }>(db, RUNS_OF_STAGE)
    .all(stageId)
    .map((row) => row.run_id);
}
export const RUNS_OF_STAGE = 'SELECT run_id FROM run_stage WHERE stage_id = ?';

export const CERTIFICATES_IN_STAGE = 'SELECT count(*) AS n FROM certificate WHERE stage_id = ?';
export function countCertificates(db: ReadableDb, stageId: number): number {
  return statement<{ n: number }>(db, CERTIFICATES_IN_STAGE).get(stageId)!.n;
}

/** The run alone; what it is linked to must be gone or cascade. */
export function deleteRun(db: WritableDb, id: number): void {
  statement(db, 'DELETE FROM study_run WHERE run_id = ?').run(id);
  statement(db, 'DELETE FROM run_stage WHERE run_id = ?').run(id);
  statement(db, 'DELETE FROM run WHERE id = ?').run(id);
}

const OF_CERTIFICATES = 'certificate_id IN (SELECT id FROM certificate WHERE stage_id = ?)';

/** A stage with all its results; its artefacts are collected afterwards. */
export function deleteStage(db: WritableDb, id: number): void {
  for (const table of ['evidence_array', 'certificate_evidence', 'falsification']) {
    statement(db, `DELETE FROM ${table} WHERE ${OF_CERTIFICATES}`).run(id);
  }
  for (const table of [
    'certificate',
    'prediction',
    'pgd',
    'noise_attack',
    'adversarial_search',
    'epoch',
    'stage_artefact',
  ]) {
    statement(db, `DELETE FROM ${table} WHERE stage_id = ?`).run(id);
  }
  deleteShardsOfStage(db, id);
  statement(db, 'DELETE FROM stage WHERE id = ?').run(id);
}
