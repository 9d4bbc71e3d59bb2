import type { Method, Rule } from '../../../shared/config.ts';
import type { AbstentionReason } from '../../../shared/results.ts';
import { statement, type ReadableDb } from '../database.ts';

/** Whose instances are listed, in whose order. */
export type InstanceSource =
  | { readonly by: 'clean' | 'representation-median' | 'logit-median' | 'pgd' | 'noise-attack' }
  | { readonly by: Exclude<Method, 'representation'> }
  | { readonly by: 'representation'; readonly rule: Rule | 'any-sound' };

export type InstanceOutcome =
  'certified-correct' | 'certified-wrong' | 'abstained' | 'falsified' | 'correct' | 'wrong' | 'robust' | 'broken';

/** Certified as its own class by the published rule, whether falsified or not. */
export type OutcomeFilter = InstanceOutcome | 'published-correct';

export interface InstanceFilter {
  readonly outcome: OutcomeFilter | null;
  readonly label: number | null;
}

export interface InstanceOrder {
  readonly by: 'index' | 'radius' | 'margin' | 'label';
  readonly isDescending: boolean;
}

export interface InstanceRow {
  readonly dataset_index: number;
  readonly label: number;
  readonly predicted: number | null;
  readonly outcome: InstanceOutcome;
  readonly radius: number | string | null;
  readonly radius_pixels: number | null;
  readonly margin: number | string | null;
  readonly reason: AbstentionReason | null;
  readonly rule: Rule | '';
  readonly soundness: 'proved' | 'published-rule';
}

/** A table of instances of one stage, with one row each and these columns. @returns SQL with the parameters it needs */
function tableOf(
  source: InstanceSource,
  stageId: number,
): { readonly text: string; readonly values: (string | number)[] } {
  switch (source.by) {
    case 'clean':
      return {
        text: `SELECT dataset_index, label, predicted, iif(predicted = label, 'correct', 'wrong') AS outcome, NULL AS radius,
            NULL AS radius_pixels, NULL AS margin, NULL AS reason, '' AS rule, 'proved' AS soundness
          FROM prediction WHERE stage_id = ?`,
        values: [stageId],
      };
    case 'representation-median':
    case 'logit-median': {
      const of = [stageId, source.by === 'logit-median' ? 'logit' : 'representation'];
      return { text: MEDIAN_PREDICTIONS, values: [...of, ...of] };
    }
    case 'pgd':
    case 'noise-attack':
      return {
        text: `SELECT dataset_index, label, NULL AS predicted, iif(robust, 'robust', 'broken') AS outcome,
            perturbation_norm AS radius, NULL AS radius_pixels, NULL AS margin, NULL AS reason, '' AS rule, 'proved' AS soundness
          FROM ${source.by === 'pgd' ? 'pgd' : 'noise_attack'} WHERE stage_id = ?`,
        values: [stageId],
      };
    case 'label':
    case 'logit':
    case 'pairwise':
      return { text: certificates('stage_id = ? AND method = ? AND rule = ?'), values: [stageId, source.by, ''] };
    case 'representation':
      return source.rule === 'any-sound'
        ? { text: BEST_PROVED, values: [stageId] }
        : { text: certificates('stage_id = ? AND method = ? AND rule = ?'), values: [stageId, source.by, source.rule] };
  }
}

const COLUMNS = `dataset_index, label, predicted, radius_normalised AS radius, radius_pixels, margin, reason, rule, soundness`;
/** A point in the smallest box proves wrong a certificate of any radius; one in the box of its radius, that one. */
const OUTCOME = `CASE WHEN outcome = 'abstained' THEN 'abstained'
    WHEN soundness = 'published-rule' AND EXISTS
      (SELECT 1 FROM falsification WHERE certificate_id = certificate.id AND point IS NOT NULL) THEN 'falsified'
    WHEN predicted = label THEN 'certified-correct' ELSE 'certified-wrong' END AS outcome`;
const certificates = (where: string): string => `SELECT ${COLUMNS}, ${OUTCOME} FROM certificate WHERE ${where}`;

/** The same under every rule, so that the first of them will do. */
const MEDIAN_PREDICTIONS = `SELECT dataset_index, label, median_prediction AS predicted,
    iif(median_prediction = label, 'correct', 'wrong') AS outcome, NULL AS radius, NULL AS radius_pixels, NULL AS margin,
    NULL AS reason, '' AS rule, 'proved' AS soundness
  FROM certificate WHERE stage_id = ? AND method = ? AND rule = (SELECT min(rule) FROM certificate WHERE stage_id = ? AND method = ?)`;

/** With max(), SQLite takes the other columns from the row of the maximum. */
const BEST_PROVED = `SELECT ${COLUMNS}, CASE WHEN outcome = 'abstained' THEN 'abstained'
    WHEN predicted = label THEN 'certified-correct' ELSE 'certified-wrong' END AS outcome,
    max(ifnull(radius_normalised, -1)) AS reach
  FROM certificate WHERE stage_id = ? AND +method = 'representation' AND soundness = 'proved' GROUP BY dataset_index`;

const ORDERS = { index: 'dataset_index', radius: 'radius', margin: 'margin', label: 'label' } as const;

export interface InstanceSelection {
  readonly stageId: number;
  readonly source: InstanceSource;
  readonly filter: InstanceFilter;
}

function selectionOf({ stageId, source, filter }: InstanceSelection) {
  const { text, values } = tableOf(source, stageId);
  const isPublished = filter.outcome === 'published-correct';
  const where = [
    ...(isPublished ? ["outcome IN ('certified-correct', 'falsified') AND predicted = label"] : []),
    ...(filter.outcome === null || isPublished ? [] : ['outcome = ?']),
    ...(filter.label === null ? [] : ['label = ?']),
  ];
  return {
    from: `FROM (${text}) AS instance${where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`}`,
    values: [
      ...values,
      ...(filter.outcome === null || isPublished ? [] : [filter.outcome]),
      ...(filter.label === null ? [] : [filter.label]),
    ],
  };
}

/** Equal values come by index; what has no value comes last either way. */
const orderText = ({ by, isDescending }: InstanceOrder): string =>
  `ORDER BY ${ORDERS[by]} ${isDescending ? 'DESC' : 'ASC'} NULLS LAST, dataset_index`;

export function selectInstancePage(
  db: ReadableDb,
  selected: InstanceSelection,
  { order, offset, limit }: { readonly order: InstanceOrder; readonly offset: number; readonly limit: number },
): InstanceRow[] {
  const { from, values } = selectionOf(selected);
  return statement<InstanceRow>(db, `SELECT * ${from} ${orderText(order)} LIMIT ? OFFSET ?`).all(
    ...values,
    limit,
    offset,
  );
}

/** Every index of the selection, in order. */
export function selectInstanceIndices(db: ReadableDb, selected: InstanceSelection, order: InstanceOrder): number[] {
  const { from, values } = selectionOf(selected);
  return statement<number>(db, `SELECT dataset_index ${from} ${orderText(order)}`)
    .pluck()
    .all(...values);
}

/** How many instances of the selection have each outcome, and of how many of them the prediction is their class. */
export function countOutcomes(
  db: ReadableDb,
  selected: InstanceSelection,
): { readonly outcome: InstanceOutcome; readonly n: number; readonly correct: number }[] {
  const { from, values } = selectionOf({ ...selected, filter: { ...selected.filter, outcome: null } });
  return statement<{ outcome: InstanceOutcome; n: number; correct: number }>(
    db,
    `SELECT outcome, count(*) AS n, total(predicted = label) AS correct ${from} GROUP BY outcome`,
  ).all(...values);
}
