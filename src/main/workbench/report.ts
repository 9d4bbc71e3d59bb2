import type { Domain } from '../../shared/config.ts';
import type { Store } from '../store/store.ts';
import type { CertificateSummary } from '../store/tables/certificate.ts';
import type { StageRecord } from '../store/tables/stage.ts';
import { headsOf, stageOf, type HeadOfDomain, type StoredRun } from './storedRun.ts';

/** A share with what it is a share of; null where nothing was computed. */
export interface Share {
  readonly hits: number;
  readonly total: number;
}

/** One row of the paper-shaped table (METHOD.md §4, metrics). Radii in normalised units. */
export interface ReportRow {
  readonly domain: Domain;
  readonly head: string;
  /** A_B */
  readonly baseAccuracy: Share | null;
  readonly label: { readonly certified: Share; readonly meanRadius: number | null } | null;
  readonly representation: {
    /** A_M */
    readonly median: Share;
    /** A_V under the published rule; null where it does not apply (constraint none). */
    readonly paper: Share | null;
    /** A_V proved: some sound rule passes. */
    readonly proved: Share | null;
    /**
     * Of the certificates by the published rule where it is no proof: how many have a point with another prediction in the
     * box of their radius, and in the smallest box. Null where none was searched.
     */
    readonly falsified: { readonly atRadius: Share; readonly atSmallestBox: Share } | null;
  } | null;
  readonly logit: { readonly median: Share; readonly certified: Share } | null;
  readonly pairwise: { readonly certified: Share; readonly meanRadius: number | null } | null;
  /** Accuracy under PGD. */
  readonly pgd: Share | null;
}

/** The run's table, from the store alone. */
export function reportOf(store: Store, run: StoredRun): ReportRow[] {
  return headsOf(run).map((of) => rowOf(store, run, of));
}

function rowOf(store: Store, run: StoredRun, of: HeadOfDomain): ReportRow {
  const certification = stageOf(run, 'certification', of);
  const summaries = certification === undefined ? [] : store.results.summary(certification.id);
  const prediction = stageOf(run, 'prediction', of);
  const pgd = stageOf(run, 'pgd', of);
  return {
    ...of,
    baseAccuracy:
      prediction === undefined
        ? null
        : shareOf(store.results.predictions(prediction.id), ({ predicted, label }) => predicted === label),
    label: certifiedOf(summaries.find(({ method }) => method === 'label')),
    representation: representationOf(store, certification, summaries),
    logit: logitOf(summaries.find(({ method }) => method === 'logit')),
    pairwise: certifiedOf(summaries.find(({ method }) => method === 'pairwise')),
    pgd: pgd === undefined ? null : shareOf(store.results.pgd(pgd.id), ({ robust }) => robust),
  };
}

function shareOf<T>(records: readonly T[], hit: (record: T) => boolean): Share | null {
  return records.length === 0 ? null : { hits: records.filter(hit).length, total: records.length };
}

const certifiedShare = ({ certifiedCorrect, total }: CertificateSummary): Share => ({ hits: certifiedCorrect, total });

function certifiedOf(summary: CertificateSummary | undefined): ReportRow['label'] {
  return summary === undefined
    ? null
    : { certified: certifiedShare(summary), meanRadius: summary.meanRadiusNormalised };
}

function logitOf(summary: CertificateSummary | undefined): ReportRow['logit'] {
  return summary === undefined
    ? null
    : { median: { hits: summary.medianCorrect ?? 0, total: summary.total }, certified: certifiedShare(summary) };
}

function representationOf(
  store: Store,
  stage: StageRecord | undefined,
  summaries: readonly CertificateSummary[],
): ReportRow['representation'] {
  const rules = summaries.filter(({ method }) => method === 'representation');
  const first = rules.at(0);
  if (stage === undefined || first === undefined) return null;
  const paper = rules.find(({ rule }) => rule === 'paper');
  return {
    median: { hits: first.medianCorrect ?? 0, total: first.total },
    paper: paper === undefined ? null : certifiedShare(paper),
    proved: provedShare(store, stage, first.total),
    falsified: falsifiedShares(store, stage),
  };
}

function falsifiedShares(store: Store, stage: StageRecord): NonNullable<ReportRow['representation']>['falsified'] {
  const { searched, atRadius, atSmallestBox } = store.results.falsificationCounts(stage.id);
  if (searched === 0) return null;
  return {
    atRadius: { hits: atRadius, total: searched },
    atSmallestBox: { hits: atSmallestBox, total: searched },
  };
}

/** An instance counts once, whichever sound rules pass on it. */
function provedShare(store: Store, stage: StageRecord, total: number): Share | null {
  const representation = store.results
    .certificateHeaders(stage.id)
    .filter(({ method, soundness }) => method === 'representation' && soundness === 'proved');
  if (representation.length === 0) return null;
  const proved = representation
    .filter(({ verdict, label }) => verdict.outcome === 'certified' && verdict.predicted === label)
    .map(({ datasetIndex }) => datasetIndex);
  return { hits: new Set(proved).size, total };
}
