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
  return statement<PredictionRow>(db, PREDICTIONS_OF_STAGE).all(stageId).map(toPrediction);
}

export const PREDICTION_OF_INSTANCE = 'SELECT * FROM prediction WHERE stage_id = ? AND dataset_index = ?';

export function selectPredictionOfInstance(
  db: ReadableDb,
  stageId: number,
  datasetIndex: number,
): PredictionRecord | null {
  const row = statement<PredictionRow>(db, PREDICTION_OF_INSTANCE).get(stageId, datasetIndex);
  return row === undefined ? null : toPrediction(row);
}

/** How many instances of one class were predicted to be of another, or of the same. */
export interface ConfusionCount {
  readonly label: number;
  readonly predicted: number;
  readonly n: number;
}

export const PREDICTION_CONFUSION =
  'SELECT label, predicted, count(*) AS n FROM prediction WHERE stage_id = ? GROUP BY label, predicted';

export function selectPredictionConfusion(db: ReadableDb, stageId: number): ConfusionCount[] {
  return statement<ConfusionCount>(db, PREDICTION_CONFUSION).all(stageId);
}

function toPrediction(row: PredictionRow): PredictionRecord {
  return {
    datasetIndex: row.dataset_index,
    label: row.label,
    predicted: row.predicted,
    logits: fromBlob('float32', row.logits),
  };
}
