import type { Store } from '../../store/store.ts';
import { everyCurve } from '../curves/certifiedAccuracy.ts';
import { reportOf, type Share } from '../report.ts';
import { headsOf, stageOf, type StoredRun } from '../storedRun.ts';

/** Rows of a flat table: what becomes a CSV file. Empty cells are null. */
export interface FlatTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: Iterable<readonly (string | number | boolean | null)[]>;
}

/** Every table of a run, one row a sample but for `table` (one a domain and head), `epochs` and `curves` (one a step). Radii and norms are L2. */
export function tablesOf(store: Store, run: StoredRun): FlatTable[] {
  return [
    paperTable(store, run),
    certificatesTable(store, run),
    predictionsTable(store, run),
    pgdTable(store, run),
    epochsTable(store, run),
    curvesTable(store, run),
  ];
}

const share = (value: Share | null | undefined): number | null =>
  value === null || value === undefined ? null : value.hits / value.total;

function paperTable(store: Store, run: StoredRun): FlatTable {
  const columns = ['domain', 'head', 'instances', 'base_accuracy'];
  const measures = [
    'label_certified_accuracy',
    'label_mean_radius_normalised',
    'representation_median_accuracy',
    'representation_certified_accuracy_paper_rule',
    'representation_certified_accuracy_proved',
    'logit_median_accuracy',
    'logit_certified_accuracy',
    'pairwise_certified_accuracy',
    'pairwise_mean_radius_normalised',
    'pgd_accuracy',
  ];
  const rows = reportOf(store, run).map((row) => [
    row.domain,
    row.head,
    row.baseAccuracy?.total ?? null,
    share(row.baseAccuracy),
    share(row.label?.certified),
    row.label?.meanRadius ?? null,
    share(row.representation?.median),
    share(row.representation?.paper),
    share(row.representation?.proved),
    share(row.logit?.median),
    share(row.logit?.certified),
    share(row.pairwise?.certified),
    row.pairwise?.meanRadius ?? null,
    share(row.pgd),
  ]);
  return { name: 'table', columns: [...columns, ...measures], rows };
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

function pgdTable(store: Store, run: StoredRun): FlatTable {
  const rows = headsOf(run).flatMap((of) => {
    const stage = stageOf(run, 'pgd', of);
    const records = stage === undefined ? [] : store.results.pgd(stage.id);
    return records.map((record) => [
      of.domain,
      of.head,
      record.datasetIndex,
      record.label,
      record.robust,
      record.brokenAtStep,
      record.perturbationNorm,
      record.zeroGradientShare,
    ]);
  });
  const columns = ['domain', 'head', 'dataset_index', 'label', 'robust', 'broken_at_step'];
  return { name: 'pgd', columns: [...columns, 'perturbation_norm_normalised', 'zero_gradient_share'], rows };
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
  const rows = everyCurve(store, run).flatMap(({ domain, head, method, rule, soundness, steps }) =>
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
    ]),
  );
  const columns = ['domain', 'head', 'method', 'rule', 'soundness', 'radius_normalised', 'radius_pixels'];
  const shares = ['certified', 'instances', 'certified_accuracy', 'wilson_lower', 'wilson_upper'];
  return { name: 'curves', columns: [...columns, ...shares], rows };
}
