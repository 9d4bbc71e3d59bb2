import type { PgdOutcome, PgdRecord } from '../../../shared/results.ts';
import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { fromBlob, fromNullableReal, fromReal, toBlob, toNullableReal, toReal } from '../exactValues.ts';

interface PgdRow {
  readonly dataset_index: number;
  readonly label: number;
  readonly robust: 0 | 1;
  readonly broken_at_step: number | null;
  readonly perturbation_norm: number | string | null;
  readonly perturbation: Buffer | null;
  readonly zero_gradient_share: number | string;
  readonly loss_start: number | string | null;
  readonly loss_half: number | string | null;
  readonly loss_end: number | string | null;
}

/** How many rows were added: none when the instance was attacked already. */
export function insertPgd(db: WritableDb, stageId: number, record: PgdRecord): number {
  return statement(
    db,
    `INSERT INTO pgd (stage_id, dataset_index, label, robust, broken_at_step, perturbation_norm, perturbation,
       zero_gradient_share, loss_start, loss_half, loss_end)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stage_id, dataset_index) DO NOTHING`,
  ).run(
    stageId,
    record.datasetIndex,
    record.label,
    record.robust ? 1 : 0,
    record.brokenAtStep,
    toNullableReal(record.perturbationNorm),
    record.perturbation === null ? null : toBlob(record.perturbation),
    toReal(record.zeroGradientShare),
    toNullableReal(record.lossStart),
    toNullableReal(record.lossHalf),
    toNullableReal(record.lossEnd),
  ).changes;
}

export const PGD_OF_STAGE = 'SELECT * FROM pgd WHERE stage_id = ? ORDER BY dataset_index';

export function selectPgd(db: ReadableDb, stageId: number): PgdRecord[] {
  return statement<PgdRow>(db, PGD_OF_STAGE).all(stageId).map(toPgd);
}

export const ATTACKED_INDICES = 'SELECT dataset_index FROM pgd WHERE stage_id = ? ORDER BY dataset_index';

export function selectAttackedIndices(db: ReadableDb, stageId: number): number[] {
  const rows = statement<{ dataset_index: number }>(db, ATTACKED_INDICES).all(stageId);
  return rows.map((row) => row.dataset_index);
}

export const PGD_OUTCOMES = `SELECT dataset_index, label, robust, broken_at_step, perturbation_norm, zero_gradient_share,
    loss_start, loss_half, loss_end
  FROM pgd WHERE stage_id = ? ORDER BY dataset_index`;

export function selectPgdOutcomes(db: ReadableDb, stageId: number): PgdOutcome[] {
  return statement<Omit<PgdRow, 'perturbation'>>(db, PGD_OUTCOMES).all(stageId).map(toOutcome);
}

export const PGD_OF_INSTANCE = 'SELECT * FROM pgd WHERE stage_id = ? AND dataset_index = ?';

export function selectPgdOfInstance(db: ReadableDb, stageId: number, datasetIndex: number): PgdRecord | null {
  const row = statement<PgdRow>(db, PGD_OF_INSTANCE).get(stageId, datasetIndex);
  return row === undefined ? null : toPgd(row);
}

function toPgd(row: PgdRow): PgdRecord {
  const perturbation = row.perturbation === null ? null : fromBlob('float32', row.perturbation);
  return { ...toOutcome(row), perturbation };
}

function toOutcome(row: Omit<PgdRow, 'perturbation'>): PgdOutcome {
  return {
    datasetIndex: row.dataset_index,
    label: row.label,
    robust: row.robust === 1,
    brokenAtStep: row.broken_at_step,
    perturbationNorm: fromNullableReal(row.perturbation_norm),
    zeroGradientShare: fromReal(row.zero_gradient_share),
    lossStart: fromNullableReal(row.loss_start),
    lossHalf: fromNullableReal(row.loss_half),
    lossEnd: fromNullableReal(row.loss_end),
  };
}
