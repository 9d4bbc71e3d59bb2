import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { fromNullableReal, fromReal, toNullableReal, toReal } from '../exactValues.ts';

export interface EpochRecord {
  readonly epoch: number;
  /** Mean cross-entropy over the epoch's batches; NaN when training diverged. */
  readonly trainLoss: number;
  /** Null in an epoch that was not validated. */
  readonly validationLoss: number | null;
  readonly validationAccuracy: number | null;
  readonly seconds: number;
}

interface EpochRow {
  readonly epoch: number;
  readonly train_loss: number | string;
  readonly validation_loss: number | string | null;
  readonly validation_accuracy: number | string | null;
  readonly seconds: number | string;
}

/** A resumed stage repeats the epochs after its checkpoint: the later record of an epoch replaces the earlier. */
export function upsertEpoch(db: WritableDb, stageId: number, record: EpochRecord): void {
  statement(
    db,
    `INSERT OR REPLACE INTO epoch (stage_id, epoch, train_loss, validation_loss, validation_accuracy, seconds)
     VALUES (?, ?, ?, ?, ?, ?)`,
  ).run(
    stageId,
    record.epoch,
    toReal(record.trainLoss),
    toNullableReal(record.validationLoss),
    toNullableReal(record.validationAccuracy),
    toReal(record.seconds),
  );
}

export const EPOCHS_OF_STAGE = 'SELECT * FROM epoch WHERE stage_id = ? ORDER BY epoch';

export function selectEpochs(db: ReadableDb, stageId: number): EpochRecord[] {
  const rows = statement<EpochRow>(db, EPOCHS_OF_STAGE).all(stageId);
  return rows.map((row) => ({
    epoch: row.epoch,
    trainLoss: fromReal(row.train_loss),
    validationLoss: fromNullableReal(row.validation_loss),
    validationAccuracy: fromNullableReal(row.validation_accuracy),
    seconds: fromReal(row.seconds),
  }));
}
