import type { NoiseAttackOutcome, NoiseAttackRecord } from '../../../shared/results.ts';
import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { fromBlob, fromNullableReal, toBlob, toNullableReal } from '../exactValues.ts';

interface NoiseAttackRow {
  readonly dataset_index: number;
  readonly label: number;
  readonly robust: 0 | 1;
  readonly broken_at_draw: number | null;
  readonly perturbation_norm: number | string | null;
  readonly perturbation: Buffer | null;
}

/** How many rows were added: none when the instance was attacked already. */
export function insertNoiseAttack(db: WritableDb, stageId: number, record: NoiseAttackRecord): number {
  return statement(
    db,
    `INSERT INTO noise_attack (stage_id, dataset_index, label, robust, broken_at_draw, perturbation_norm, perturbation)
     VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stage_id, dataset_index) DO NOTHING`,
  ).run(
    stageId,
    record.datasetIndex,
    record.label,
    record.robust ? 1 : 0,
    record.brokenAtDraw,
    toNullableReal(record.perturbationNorm),
    record.perturbation === null ? null : toBlob(record.perturbation),
  ).changes;
}

export const NOISE_ATTACKS_OF_STAGE = 'SELECT * FROM noise_attack WHERE stage_id = ? ORDER BY dataset_index';

export function selectNoiseAttacks(db: ReadableDb, stageId: number): NoiseAttackRecord[] {
  return statement<NoiseAttackRow>(db, NOISE_ATTACKS_OF_STAGE).all(stageId).map(toNoiseAttack);
}

export const NOISE_ATTACK_OUTCOMES = `SELECT dataset_index, label, robust, broken_at_draw, perturbation_norm
  FROM noise_attack WHERE stage_id = ? ORDER BY dataset_index`;

export function selectNoiseAttackOutcomes(db: ReadableDb, stageId: number): NoiseAttackOutcome[] {
  return statement<Omit<NoiseAttackRow, 'perturbation'>>(db, NOISE_ATTACK_OUTCOMES).all(stageId).map(toOutcome);
}

export const NOISE_ATTACK_OF_INSTANCE = 'SELECT * FROM noise_attack WHERE stage_id = ? AND dataset_index = ?';

export function selectNoiseAttackOfInstance(
  db: ReadableDb,
  stageId: number,
  datasetIndex: number,
): NoiseAttackRecord | null {
  const row = statement<NoiseAttackRow>(db, NOISE_ATTACK_OF_INSTANCE).get(stageId, datasetIndex);
  return row === undefined ? null : toNoiseAttack(row);
}

function toNoiseAttack(row: NoiseAttackRow): NoiseAttackRecord {
  const perturbation = row.perturbation === null ? null : fromBlob('float32', row.perturbation);
  return { ...toOutcome(row), perturbation };
}

function toOutcome(row: Omit<NoiseAttackRow, 'perturbation'>): NoiseAttackOutcome {
  return {
    datasetIndex: row.dataset_index,
    label: row.label,
    robust: row.robust === 1,
    brokenAtDraw: row.broken_at_draw,
    perturbationNorm: fromNullableReal(row.perturbation_norm),
  };
}

export const NOISE_ATTACKED_INDICES =
  'SELECT dataset_index FROM noise_attack WHERE stage_id = ? ORDER BY dataset_index';

export function selectNoiseAttackedIndices(db: ReadableDb, stageId: number): number[] {
  const rows = statement<{ dataset_index: number }>(db, NOISE_ATTACKED_INDICES).all(stageId);
  return rows.map((row) => row.dataset_index);
}
