import type { Domain } from '../../shared/config.ts';
import type { AdversarialSearchRecord, SelfChecks } from '../../shared/results.ts';
import type { Store } from '../store/store.ts';
import type { CertificateSummary } from '../store/tables/certificate.ts';
import type { StageRecord } from '../store/tables/stage.ts';
import { selfChecksOf } from './selfChecks.ts';
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
  /** Accuracy under the noise attack. */
  readonly noise: Share | null;
  /** Accuracy under PGD. */
  readonly pgd: Share | null;
  /** Of PGD; null before it attacked. */
  readonly selfChecks: SelfChecks | null;
  /** Null for heads of several layers. */
  readonly search: SearchSummary | null;
}

/** The paper's Table 2 (METHOD.md §3). Distances are means of L∞ norms; null where there is nothing to average. */
export interface SearchSummary {
  /** p_z: adversarial representations found, of the correctly classified instances. */
  readonly representations: Share;
  /** z_Δ of the representation search. */
  readonly meanRepresentationDistance: number | null;
  /** p_x: inputs found, of the representations; null when no inputs were searched for. */
  readonly inputs: Share | null;
  /** x_Δ, and z_Δ from what was found to what was looked for; over the inputs found. */
  readonly meanInputDistance: number | null;
  readonly meanRepresentationDistanceOfInputs: number | null;
}

/** The run's table, from the store alone. */
export function reportOf(store: Store, run: StoredRun): ReportRow[] {
  return headsOf(run).map((of) => rowOf(store, run, of));
}

function rowOf(store: Store, run: StoredRun, of: HeadOfDomain): ReportRow {
  const certification = stageOf(run, 'certification', of);
  const summaries = certification === undefined ? [] : store.results.summary(certification.id);
  const prediction = stageOf(run, 'prediction', of);
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
    ...attacksOf(store, run, of),
  };
}

function attacksOf(
  store: Store,
  run: StoredRun,
  of: HeadOfDomain,
): Pick<ReportRow, 'noise' | 'pgd' | 'selfChecks' | 'search'> {
  const noise = recordsOf(stageOf(run, 'noise-attack', of), (id) => store.results.noiseAttacks(id));
  const pgd = recordsOf(stageOf(run, 'pgd', of), (id) => store.results.pgd(id));
  const searches = recordsOf(stageOf(run, 'adversarial-search', of), (id) => store.results.adversarialSearches(id));
  return {
    noise: shareOf(noise, ({ robust }) => robust),
    pgd: shareOf(pgd, ({ robust }) => robust),
    // Anew, since another run with the same PGD may have stored its own, beside another noise attack.
    selfChecks: pgd.length === 0 ? null : selfChecksOf(run.config, { pgd, noise }),
    search: searches.length === 0 ? null : searchSummary(searches),
  };
}

function recordsOf<T>(stage: StageRecord | undefined, read: (stageId: number) => readonly T[]): readonly T[] {
  return stage === undefined ? [] : read(stage.id);
}

export function searchSummary(records: readonly AdversarialSearchRecord[]): SearchSummary {
  const representations = records.flatMap(({ representation }) => representation ?? []);
  const inputs = records.flatMap(({ input }) => input ?? []);
  const found = inputs.filter((input) => input.found);
  return {
    representations: {
      hits: representations.length,
      total: records.filter(({ label, predicted }) => label === predicted).length,
    },
    meanRepresentationDistance: meanOf(representations.map(({ distanceLinf }) => distanceLinf)),
    inputs: inputs.length === 0 ? null : { hits: found.length, total: inputs.length },
    meanInputDistance: meanOf(found.map(({ distanceLinf }) => distanceLinf)),
    meanRepresentationDistanceOfInputs: meanOf(found.map((input) => input.representationDistanceLinf)),
  };
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
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
