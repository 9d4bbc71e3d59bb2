import type { PredictionRecord } from '../../../shared/results.ts';
import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { fromBlob, toBlob } from '../exactValues.ts';

interface PredictionRow {
  readonly dataset_index: number;
  readonly label: number;
  readonly predicted: number;
  readonly logits: Buffer;
}

/** How many rows were added: none when the instance has its prediction already. */
export function insertPrediction(db: WritableDb, stageId: number, record: PredictionRecord): number {
  return statement(
    db,
    `INSERT INTO prediction (stage_id, dataset_index, label, predicted, logits) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (stage_id, dataset_index) DO NOTHING`,
  ).run(stageId, record.datasetIndex, record.label, record.predicted, toBlob(record.logits)).changes;
}

export const PREDICTIONS_OF_STAGE = 'SELECT * FROM prediction WHERE stage_id = ? ORDER BY dataset_index';

export function selectPredictions(db: ReadableDb, stageId: number): PredictionRecord[] {
  const rows = statement<PredictionRow>(db, PREDICTIONS_OF_STAGE).all(stageId);
  return rows.map((row) => ({
    datasetIndex: row.dataset_index,
    label: row.label,
    predicted: row.predicted,
    logits: fromBlob('float32', row.logits),
  }));
}
