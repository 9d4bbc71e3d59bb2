import type { Share } from '../../../shared/report.ts';
import type { HeadSpec } from '../../../shared/config.ts';
import type { MeasuredValue, StudyRow, StudyValue } from '../../../shared/studyReport.ts';
import { wilsonInterval } from '../../math/wilson.ts';
import type { Store } from '../../store/store.ts';
import { headLabel } from '../stageKeys.ts';
import type { DataAtHand } from './dataAtHand.ts';
import { procedureLabel, sigmasOf } from './expandStudy.ts';
import { scaleOf, scaleText } from './scale.ts';
import type { CellResult, StoredStudy } from './storedStudy.ts';

/** Places of a study's tables and what is said of their numbers, whichever table it is. */

export interface Inputs {
  readonly store: Store;
  readonly data: DataAtHand;
  readonly stored: StoredStudy;
}

/** Runs of one place of a table: a transfer, procedure, σ and head over all seeds. */
export interface Place {
  readonly transfer: StoredStudy['study']['transfers'][number];
  readonly transferName: string;
  readonly procedure: string;
  /** Null where the study has but one. */
  readonly sigma: number | null;
  readonly head: HeadSpec;
  readonly cells: readonly CellResult[];
}

/** Grouped as in the paper: by transfer, layers, head and procedure; then by σ. */
export function placesOf({ study, cells }: StoredStudy): Place[] {
  const heads = [...study.heads].sort((a, b) => a.layers - b.layers);
  return study.transfers.flatMap((transfer, transferIndex) =>
    heads.flatMap((head) =>
      study.procedures.flatMap((entry) =>
        sigmasOf(study).map((sigma) => {
          const procedure = procedureLabel(entry);
          const label = headLabel(head);
          const here = cells.filter(
            ({ cell }) =>
              cell.transferIndex === transferIndex &&
              cell.procedure === procedure &&
              cell.sigma === sigma &&
              cell.config.heads.some((spec) => headLabel(spec) === label),
          );
          return { transfer, transferName: here[0].cell.transfer, procedure, sigma, head, cells: here };
        }),
      ),
    ),
  );
}

/** A column of its own for σ where a study has some. */
export const sigmaTitle = ({ study }: StoredStudy): string[] => (study.sigmas === undefined ? [] : ['σ']);
export const sigmaKey = ({ sigma }: Place): string[] => (sigma === null ? [] : [String(sigma)]);

/** Our number over the seeds; null where no run has it. */
export function overSeeds(values: readonly MeasuredValue[]): StudyValue['ours'] {
  if (values.length === 0) return null;
  const numbers = values.map(({ value }) => value);
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  return { mean, min: Math.min(...numbers), max: Math.max(...numbers), values };
}

export function percentOf({ hits, total }: Share): Pick<MeasuredValue, 'value' | 'share'> {
  const { lower, upper } = wilsonInterval(hits, total);
  return { value: (100 * hits) / total, share: { hits, total, interval: { lower: 100 * lower, upper: 100 * upper } } };
}

export function aboutRuns(
  store: Store,
  data: DataAtHand,
  places: readonly Place[],
): Pick<StudyRow, 'scales' | 'scale' | 'missing'> {
  const scales = places.flatMap(({ head, cells }) =>
    cells.map((result) => scaleOf(store, data, { ...result, head: headLabel(head) })),
  );
  const missing = places.flatMap(({ transferName, cells }) =>
    cells.flatMap((result) => {
      const reason = reasonOf(result);
      const of = [
        ...(places.length > 1 ? [transferName] : []),
        ...(cells.length > 1 ? [`seed ${result.cell.seed}`] : []),
      ];
      return reason === null ? [] : [[...of, reason].join(': ')];
    }),
  );
  return {
    scales,
    scale: [...new Set(scales.map(scaleText))].join('; '),
    missing: missing.length === 0 ? null : missing.join('; '),
  };
}

/** The reason of a failure is the run's, and stands in the report's list of runs. */
function reasonOf({ status, run }: CellResult): string | null {
  switch (status) {
    case null:
      return 'not run';
    case 'failed':
      return `failed (run ${run!.run.id})`;
    case 'interrupted':
      return 'interrupted';
    case 'running':
      return 'still running';
    case 'done':
      return null;
  }
}
