import type { Store } from '../../store/store.ts';
import type { StageRecord } from '../../store/tables/stage.ts';
import { everyCurve } from '../curves/certifiedAccuracy.ts';
import type { ReportRow } from '../../../shared/report.ts';
import { reportOf } from '../report.ts';
import { cellValue, REPORT_COLUMNS, shareValue } from '../../../shared/reportColumns.ts';
import { headsOf, stageOf, type StoredRun } from '../storedRun.ts';

/** Rows of a flat table: what becomes a CSV file. Empty cells are null. */
export interface FlatTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: Iterable<readonly Cell[]>;
}
type Cell = string | number | boolean | null;

/** Every table of a run, one row a sample but for `table` (one a domain and head), `epochs` and `curves` (one a step). Radii and norms are L2. */
export function tablesOf(store: Store, run: StoredRun): FlatTable[] {
  return [
    paperTable(store, run),
    certificatesTable(store, run),
    predictionsTable(store, run),
    noiseAttackTable(store, run),
    pgdTable(store, run),
    adversarialSearchTable(store, run),
    epochsTable(store, run),
    curvesTable(store, run),
  ];
}

/** What the run's table has beside the columns that are shown. */
const MORE_MEASURES: Readonly<Record<string, (row: ReportRow) => Cell>> = {
  paper_certificates_falsified_at_radius: (row) => shareValue(row.representation?.falsified?.atRadius),
  paper_certificates_falsified_in_smallest_box: (row) => shareValue(row.representation?.falsified?.atSmallestBox),
  pgd_self_check_findings: (row) => row.selfChecks?.findings.map(({ check }) => check).join(' ') ?? null,
  adversarial_representations_found: (row) => shareValue(row.search?.representations),
  adversarial_representations_mean_linf: (row) => row.search?.meanRepresentationDistance ?? null,
  adversarial_inputs_found: (row) => shareValue(row.search?.inputs),
  adversarial_inputs_mean_linf: (row) => row.search?.meanInputDistance ?? null,
  adversarial_inputs_mean_linf_to_representation: (row) => row.search?.meanRepresentationDistanceOfInputs ?? null,
};

function paperTable(store: Store, run: StoredRun): FlatTable {
  const [domain, head, ...measures] = REPORT_COLUMNS;
  const rows = reportOf(store, run).map((row) => [
    ...[domain, head].map(({ cell }) => cellValue(cell(row))),
    row.baseAccuracy?.total ?? null,
    ...measures.map(({ cell }) => cellValue(cell(row))),
    ...Object.values(MORE_MEASURES).map((measure) => measure(row)),
  ]);
  const columns = ['domain', 'head', 'instances', ...measures.map(({ csvName }) => csvName)];
  return { name: 'table', columns: [...columns, ...Object.keys(MORE_MEASURES)], rows };
}

function certificatesTable(store: Store, run: StoredRun): FlatTable {
  function* rows(): Generator<(string | number | null)[]> {
    for (const of of headsOf(run)) {
      const stage = stageOf(run, 'certification', of);
      if (stage === undefined) continue;
      for (const { verdict, ...header } of store.results.certificateHeaders(stage.id)) {
        const certified = verdict.outcome === 'certified';
        yield [
          of.domain,
          of.head,
          header.datasetIndex,
          header.label,
          header.method,
          header.rule,
          header.soundness,
          verdict.outcome,
          verdict.predicted,
          certified ? null : verdict.reason,
          certified ? verdict.radiusNormalised : null,
          header.radiusPixels,
          header.medianPrediction,
        ];
      }
    }
  }
  const columns = ['domain', 'head', 'dataset_index', 'label', 'method', 'rule', 'soundness', 'outcome', 'predicted'];
  const more = ['abstention_reason', 'radius_normalised', 'radius_pixels', 'median_prediction'];
  return { name: 'certificates', columns: [...columns, ...more], rows: rows() };
}

function predictionsTable(store: Store, run: StoredRun): FlatTable {
  const rows = headsOf(run).flatMap((of) => {
    const stage = stageOf(run, 'prediction', of);
    const records = stage === undefined ? [] : store.results.predictions(stage.id);
    return records.map(({ datasetIndex, label, predicted, logits }) => [
      of.domain,
      of.head,
      datasetIndex,
      label,
      predicted,
      ...logits,
    ]);
  });
  const classes = Math.max(0, (rows.at(0)?.length ?? 5) - 5);
  const logits = Array.from({ length: classes }, (_, k) => `logit_${k}`);
  return { name: 'predictions', columns: ['domain', 'head', 'dataset_index', 'label', 'predicted', ...logits], rows };
}

/** Rows of every head's records, those of a head behind its domain and label. */
function rowsOf<T>(
  run: StoredRun,
  kind: StageRecord['kind'],
  { read, cells }: { read: (stageId: number) => readonly T[]; cells: (record: T) => Cell[] },
): Cell[][] {
  return headsOf(run).flatMap((of) => {
    const stage = stageOf(run, kind, of);
    return stage === undefined ? [] : read(stage.id).map((record) => [of.domain, of.head, ...cells(record)]);
  });
}

function noiseAttackTable(store: Store, run: StoredRun): FlatTable {
  const rows = rowsOf(run, 'noise-attack', {
    read: (stageId) => store.results.noiseAttacks(stageId),
    cells: (record) => [record.datasetIndex, record.label, record.robust, record.brokenAtDraw, record.perturbationNorm],
  });
  const columns = ['domain', 'head', 'dataset_index', 'label', 'robust', 'broken_at_draw'];
  return { name: 'noise-attack', columns: [...columns, 'perturbation_norm_normalised'], rows };
}

function adversarialSearchTable(store: Store, run: StoredRun): FlatTable {
  const rows = rowsOf(run, 'adversarial-search', {
    read: (stageId) => store.results.adversarialSearches(stageId),
    cells: ({ datasetIndex, label, predicted, representation, input }) => [
      datasetIndex,
      label,
      predicted,
      representation?.adversarialClass ?? null,
      representation?.distanceL2 ?? null,
      representation?.distanceLinf ?? null,
      input?.found ?? null,
      input?.predicted ?? null,
      input?.steps ?? null,
      input?.distanceL2 ?? null,
      input?.distanceLinf ?? null,
      input?.representationDistanceLinf ?? null,
    ],
  });
  const representation = ['representation_class', 'representation_distance_l2', 'representation_distance_linf'];
  const input = ['input_found', 'input_class', 'input_steps', 'input_distance_l2', 'input_distance_linf'];
  return {
    name: 'adversarial-search',
    columns: [
      'domain',
      'head',
      'dataset_index',
      'label',
      'predicted',
      ...representation,
      ...input,
      'input_representation_distance_linf',
    ],
    rows,
  };
}

function pgdTable(store: Store, run: StoredRun): FlatTable {
  const rows = rowsOf(run, 'pgd', {
    read: (stageId) => store.results.pgd(stageId),
    cells: (record) => [
      record.datasetIndex,
      record.label,
      record.robust,
      record.brokenAtStep,
      record.perturbationNorm,
      record.zeroGradientShare,
      record.lossStart,
      record.lossHalf,
      record.lossEnd,
    ],
  });
  const columns = ['domain', 'head', 'dataset_index', 'label', 'robust', 'broken_at_step'];
  const more = ['perturbation_norm_normalised', 'zero_gradient_share', 'loss_start', 'loss_half', 'loss_end'];
  return { name: 'pgd', columns: [...columns, ...more], rows };
}

function epochsTable(store: Store, { stages }: StoredRun): FlatTable {
  const rows = stages
    .filter(({ kind }) => kind === 'extractor' || kind === 'head')
    .flatMap((stage) =>
      store.stages
        .epochs(stage.id)
        .map((epoch) => [
          stage.kind,
          stage.domain,
          stage.headLabel,
          epoch.epoch,
          epoch.trainLoss,
          epoch.validationLoss,
          epoch.validationAccuracy,
          epoch.seconds,
        ]),
    );
  const columns = ['trained', 'domain', 'head', 'epoch', 'training_loss', 'validation_loss', 'validation_accuracy'];
  return { name: 'epochs', columns: [...columns, 'seconds'], rows };
}

function curvesTable(store: Store, run: StoredRun): FlatTable {
  const rows = everyCurve(store, run).flatMap(({ domain, head, method, rule, soundness, steps, ceiling }) =>
    steps.map(({ radiusNormalised, radiusPixels, certified, interval }) => [
      domain,
      head,
      method,
      rule,
      soundness,
      radiusNormalised,
      radiusPixels,
      certified.hits,
      certified.total,
      certified.hits / certified.total,
      interval.lower,
      interval.upper,
      ceiling?.radiusNormalised ?? null,
      ceiling?.instances ?? null,
      ceiling?.lifted?.radiusNormalised ?? null,
      ceiling?.lifted?.draws ?? null,
    ]),
  );
  const columns = ['domain', 'head', 'method', 'rule', 'soundness', 'radius_normalised', 'radius_pixels'];
  const shares = ['certified', 'instances', 'certified_accuracy', 'wilson_lower', 'wilson_upper'];
  const ceilings = ['ceiling', 'certified_at_ceiling', 'lifted_ceiling', 'draws_for_lifted_ceiling'];
  return { name: 'curves', columns: [...columns, ...shares, ...ceilings], rows };
}
