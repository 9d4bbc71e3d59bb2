import type { AdversarialSearchOutcome, AdversarialSearchRecord } from '../../../shared/results.ts';
import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { fromBlob, fromReal, toBlob, toReal } from '../exactValues.ts';

/** NULL all together: columns of the representation, and those of the input. */
interface AdversarialSearchRow {
  readonly dataset_index: number;
  readonly label: number;
  readonly predicted: number;
  readonly representation_class: number | null;
  readonly representation_distance_l2: number | string | null;
  readonly representation_distance_linf: number | string | null;
  readonly representation: Buffer | null;
  readonly input_found: 0 | 1 | null;
  readonly input_class: number | null;
  readonly input_steps: number | null;
  readonly input_distance_l2: number | string | null;
  readonly input_distance_linf: number | string | null;
  readonly input_representation_distance_linf: number | string | null;
  readonly input_perturbation: Buffer | null;
}

const REPRESENTATION_COLUMNS = 4;
const INPUT_COLUMNS = 7;
const nulls = (count: number): null[] => Array<null>(count).fill(null);

/** How many rows were added: none when the instance was searched already. */
export function insertAdversarialSearch(db: WritableDb, stageId: number, record: AdversarialSearchRecord): number {
  const { datasetIndex, label, predicted, representation, input } = record;
  return statement(
    db,
    `INSERT INTO adversarial_search (stage_id, dataset_index, label, predicted,
       representation_class, representation_distance_l2, representation_distance_linf, representation,
       input_found, input_class, input_steps, input_distance_l2, input_distance_linf,
       input_representation_distance_linf, input_perturbation)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stage_id, dataset_index) DO NOTHING`,
  ).run(
    stageId,
    datasetIndex,
    label,
    predicted,
    ...(representation === null
      ? nulls(REPRESENTATION_COLUMNS)
      : [
          representation.adversarialClass,
          toReal(representation.distanceL2),
          toReal(representation.distanceLinf),
          toBlob(representation.point),
        ]),
    ...(input === null
      ? nulls(INPUT_COLUMNS)
      : [
          input.found ? 1 : 0,
          input.predicted,
          input.steps,
          toReal(input.distanceL2),
          toReal(input.distanceLinf),
          toReal(input.representationDistanceLinf),
          toBlob(input.perturbation),
        ]),
  ).changes;
}

export const ADVERSARIAL_SEARCHES_OF_STAGE =
  'SELECT * FROM adversarial_search WHERE stage_id = ? ORDER BY dataset_index';

export function selectAdversarialSearches(db: ReadableDb, stageId: number): AdversarialSearchRecord[] {
  return statement<AdversarialSearchRow>(db, ADVERSARIAL_SEARCHES_OF_STAGE).all(stageId).map(toSearch);
}

export const SEARCHED_INDICES =
  'SELECT dataset_index FROM adversarial_search WHERE stage_id = ? ORDER BY dataset_index';

export function selectSearchedIndices(db: ReadableDb, stageId: number): number[] {
  const rows = statement<{ dataset_index: number }>(db, SEARCHED_INDICES).all(stageId);
  return rows.map((row) => row.dataset_index);
}

export const ADVERSARIAL_SEARCH_OUTCOMES = `SELECT dataset_index, label, predicted, representation_class,
    representation_distance_l2, representation_distance_linf, input_found, input_class, input_steps, input_distance_l2,
    input_distance_linf, input_representation_distance_linf
  FROM adversarial_search WHERE stage_id = ? ORDER BY dataset_index`;

type OutcomeRow = Omit<AdversarialSearchRow, 'representation' | 'input_perturbation'>;

export function selectAdversarialSearchOutcomes(db: ReadableDb, stageId: number): AdversarialSearchOutcome[] {
  return statement<OutcomeRow>(db, ADVERSARIAL_SEARCH_OUTCOMES).all(stageId).map(toOutcome);
}

export const ADVERSARIAL_SEARCH_OF_INSTANCE =
  'SELECT * FROM adversarial_search WHERE stage_id = ? AND dataset_index = ?';

export function selectAdversarialSearchOfInstance(
  db: ReadableDb,
  stageId: number,
  datasetIndex: number,
): AdversarialSearchRecord | null {
  const row = statement<AdversarialSearchRow>(db, ADVERSARIAL_SEARCH_OF_INSTANCE).get(stageId, datasetIndex);
  return row === undefined ? null : toSearch(row);
}

function toSearch(row: AdversarialSearchRow): AdversarialSearchRecord {
  const { representation, input, ...facts } = toOutcome(row);
  return {
    ...facts,
    representation:
      representation === null ? null : { ...representation, point: fromBlob('float32', row.representation!) },
    input: input === null ? null : { ...input, perturbation: fromBlob('float32', row.input_perturbation!) },
  };
}

function toOutcome(row: OutcomeRow): AdversarialSearchOutcome {
  return {
    datasetIndex: row.dataset_index,
    label: row.label,
    predicted: row.predicted,
    representation:
      row.representation_class === null
        ? null
        : {
            adversarialClass: row.representation_class,
            distanceL2: fromReal(row.representation_distance_l2!),
            distanceLinf: fromReal(row.representation_distance_linf!),
          },
    input:
      row.input_found === null
        ? null
        : {
            found: row.input_found === 1,
            predicted: row.input_class!,
            steps: row.input_steps!,
            distanceL2: fromReal(row.input_distance_l2!),
            distanceLinf: fromReal(row.input_distance_linf!),
            representationDistanceLinf: fromReal(row.input_representation_distance_linf!),
          },
  };
}
