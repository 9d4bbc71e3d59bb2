import type { Share } from '../../../shared/report.ts';
import { wilsonInterval } from '../../math/wilson.ts';
import { DOMAINS, domainsOfHeads, type Domain, type HeadSpec } from '../../../shared/config.ts';
import type { Store } from '../../store/store.ts';
import type {
  MeasuredValue,
  StudyColumn,
  StudyRow,
  StudyTable,
  StudyValue,
  PaperTableKind,
} from '../../../shared/studyReport.ts';
import { headLabel } from '../stageKeys.ts';
import { DataAtHand } from './dataAtHand.ts';
import { procedureLabel, sigmasOf } from './expandStudy.ts';
import { MEASURES, type Measure } from './measures.ts';
import { publishedAt } from './published.ts';
import { radiusTable } from './radiusTable.ts';
import { scaleOf, scaleText } from './scale.ts';
import type { CellResult, StoredStudy } from './storedStudy.ts';

export type { MeasuredValue, StudyColumn, StudyRow, StudyTable, StudyValue };

const TITLES: Readonly<Record<PaperTableKind, string>> = {
  accuracy: "Accuracy by constraint and layers (the shape of the paper's Table 1)",
  searches: "Adversarial representations and inputs (the shape of the paper's Table 2)",
  smoothing: "Smoothing certificates (the shape of the paper's Tables 3 and 4)",
};

/** The paper's tables that a study has the numbers of, from the store alone. */
export function studyTables(store: Store, stored: StoredStudy): StudyTable[] {
  const configs = stored.cells.map(({ cell }) => cell.config);
  const searched = configs.some(({ adversarialSearch }) => adversarialSearch.enabled);
  const certified = configs.some(({ certification }) => certification.enabled);
  const data = new DataAtHand();
  return [
    ...(searched || certified ? [] : [accuracyTable(store, data, stored)]),
    ...(searched ? [rowPerDomain('searches', { store, data, stored })] : []),
    ...(certified ? [rowPerDomain('smoothing', { store, data, stored })] : []),
    ...(certified && stored.study.radiusTable === true ? [radiusTable({ store, data, stored })] : []),
  ];
}

/** Our number over the seeds; null where no run has it. */
export function overSeeds(values: readonly MeasuredValue[]): StudyValue['ours'] {
  if (values.length === 0) return null;
  const numbers = values.map(({ value }) => value);
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  return { mean, min: Math.min(...numbers), max: Math.max(...numbers), values };
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

function valueAt(measure: Measure, kind: PaperTableKind, place: Place, domain: Domain): StudyValue {
  const head = headLabel(place.head);
  const values = place.cells.flatMap(({ cell, run, rows }): MeasuredValue[] => {
    const row = rows.find((one) => one.domain === domain && one.head === head);
    const found = row === undefined ? null : measure.of(row);
    if (found === null || found === undefined || run === null) return [];
    const where = { run: run.run.id, seed: cell.seed };
    if (typeof found === 'number') return [{ ...where, value: found, share: null }];
    return found.total === 0 ? [] : [{ ...where, ...percentOf(found) }];
  });
  const { source, target } = place.transfer;
  const names = { source: source.dataset, target: target.dataset };
  const published =
    publishedAt(kind, { ...names, domain, procedure: place.procedure, head: place.head })?.[measure.key] ?? null;
  const ours = overSeeds(values);
  return { ours, published, difference: ours === null || published === null ? null : ours.mean - published };
}

export function percentOf({ hits, total }: Share): Pick<MeasuredValue, 'value' | 'share'> {
  const { lower, upper } = wilsonInterval(hits, total);
  return { value: (100 * hits) / total, share: { hits, total, interval: { lower: 100 * lower, upper: 100 * upper } } };
}

export interface Inputs {
  readonly store: Store;
  readonly data: DataAtHand;
  readonly stored: StoredStudy;
}

/** Tables 2 to 4: a row for each domain, head and procedure. */
function rowPerDomain(kind: PaperTableKind, { store, data, stored }: Inputs): StudyTable {
  const measures = MEASURES[kind];
  const places = placesOf(stored);
  const domains = domainsOfHeads({ headsOn: stored.cells.flatMap(({ cell }) => domainsOfHeads(cell.config)) });
  const groups = [...Map.groupBy(places, ({ transferName, head }) => `${transferName} ${head.layers}`).values()];
  const rows = groups.flatMap((group) =>
    domains.flatMap((domain) =>
      group.map((place) => ({
        keys: [place.transferName, domain, headLabel(place.head), place.procedure, ...sigmaKey(place)],
        values: measures.map((measure) => valueAt(measure, kind, place, domain)),
        ...aboutRuns(store, data, [place]),
      })),
    ),
  );
  const columns = measures.map(({ key, group, title, unit }) => ({ key, group, title, unit }));
  return finished({
    kind,
    title: TITLES[kind],
    keys: ['Transfer', 'Domain', 'Head', 'Training', ...sigmaTitle(stored)],
    columns,
    rows,
  });
}

/** Table 1: a row for each head and procedure, with the domains of each transfer side by side. */
function accuracyTable(store: Store, data: DataAtHand, stored: StoredStudy): StudyTable {
  const [measure] = MEASURES.accuracy;
  const places = placesOf(stored);
  const transfers = [...Map.groupBy(places, ({ transfer }) => transfer).keys()];
  const nameOf = new Map(places.map(({ transfer, transferName }) => [transfer, transferName]));
  const columns = transfers.flatMap((transfer, i) =>
    DOMAINS.map((domain) => ({
      key: `${i}_${domain}`,
      group: nameOf.get(transfer)!,
      title: domain,
      unit: measure.unit,
    })),
  );
  const byRow = Map.groupBy(places, ({ head, procedure, sigma }) =>
    JSON.stringify([headLabel(head), procedure, sigma]),
  );
  const rows = [...byRow.values()].map((ofRow) => ({
    keys: [headLabel(ofRow[0].head), ofRow[0].procedure, ...sigmaKey(ofRow[0])],
    values: ofRow.flatMap((place) => DOMAINS.map((domain) => valueAt(measure, 'accuracy', place, domain))),
    ...aboutRuns(store, data, ofRow),
  }));
  return finished({
    kind: 'accuracy',
    title: TITLES.accuracy,
    keys: ['Head', 'Training', ...sigmaTitle(stored)],
    columns,
    rows,
  });
}

/** A column of its own for σ where a study has some. */
export const sigmaTitle = ({ study }: StoredStudy): string[] => (study.sigmas === undefined ? [] : ['σ']);
export const sigmaKey = ({ sigma }: Place): string[] => (sigma === null ? [] : [String(sigma)]);

function finished(table: Omit<StudyTable, 'hasPublished'>): StudyTable {
  const hasPublished = table.rows.some(({ values }) => values.some(({ published }) => published !== null));
  return { ...table, hasPublished };
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
