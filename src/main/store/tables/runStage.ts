import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { toStage, type StageRecord, type StageRow } from './stage.ts';

export function upsertRunStage(
  db: WritableDb,
  link: { readonly runId: number; readonly stageId: number; readonly position: number },
): void {
  statement(
    db,
    `INSERT INTO run_stage (run_id, stage_id, position) VALUES (?, ?, ?)
     ON CONFLICT (run_id, stage_id) DO UPDATE SET position = excluded.position`,
  ).run(link.runId, link.stageId, link.position);
}

export const STAGES_OF_RUN = `SELECT stage.* FROM run_stage JOIN stage ON stage.id = run_stage.stage_id
  WHERE run_stage.run_id = ? ORDER BY run_stage.position, stage.id`;

export function selectStagesOfRun(db: ReadableDb, runId: number): StageRecord[] {
  return statement<StageRow>(db, STAGES_OF_RUN).all(runId).map(toStage);
}

export interface RunCounts {
  readonly stages: number;
  readonly stagesDone: number;
  readonly certificates: number;
  readonly certified: number;
}

export const STAGE_COUNTS = `SELECT count(*) AS stages, count(*) FILTER (WHERE stage.status = 'done') AS stagesDone
  FROM run_stage JOIN stage ON stage.id = run_stage.stage_id WHERE run_stage.run_id = ?`;

export const CERTIFICATE_COUNTS = `SELECT count(*) AS certificates,
    count(*) FILTER (WHERE certificate.outcome = 'certified') AS certified
  FROM run_stage CROSS JOIN certificate ON certificate.stage_id = run_stage.stage_id WHERE run_stage.run_id = ?`;

export function selectStageCounts(db: ReadableDb, runId: number): Pick<RunCounts, 'stages' | 'stagesDone'> {
  return statement<Pick<RunCounts, 'stages' | 'stagesDone'>>(db, STAGE_COUNTS).get(runId)!;
}

export function selectRunCounts(db: ReadableDb, runId: number): RunCounts {
  const stages = selectStageCounts(db, runId);
  const certificates = statement<Pick<RunCounts, 'certificates' | 'certified'>>(db, CERTIFICATE_COUNTS).get(runId)!;
  return { ...stages, ...certificates };
}
