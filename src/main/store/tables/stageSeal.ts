import { statement, type ReadableDb, type WritableDb } from '../database.ts';

export interface StageSealRow {
  readonly stageId: number;
  readonly seal: string;
}

export function upsertStageSeal(db: WritableDb, { stageId, seal }: StageSealRow): void {
  statement(db, 'INSERT OR REPLACE INTO stage_seal (stage_id, seal) VALUES (?, ?)').run(stageId, seal);
}

export function selectStageSeals(db: ReadableDb): StageSealRow[] {
  return statement<StageSealRow>(db, 'SELECT stage_id AS stageId, seal FROM stage_seal').all();
}

export function deleteStageSeals(db: WritableDb): void {
  statement(db, 'DELETE FROM stage_seal').run();
}

export const DONE_STAGES = "SELECT id FROM stage WHERE status = 'done'";

export function selectDoneStages(db: ReadableDb): number[] {
  return statement<{ id: number }>(db, DONE_STAGES)
    .all()
    .map(({ id }) => id);
}
