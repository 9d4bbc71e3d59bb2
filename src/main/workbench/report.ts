import type { ReportRow, SearchSummary, Share } from '../../shared/report.ts';
import type { AdversarialSearchOutcome } from '../../shared/results.ts';
import type { Store } from '../store/store.ts';
import type { CertificateSummary } from '../store/tables/certificate.ts';
import type { ConfusionCount } from '../store/tables/prediction.ts';
import type { StageRecord } from '../store/tables/stage.ts';
import { selfChecksOf } from './selfChecks.ts';
import { headsOf, stageOf, type HeadOfDomain, type StoredRun } from './storedRun.ts';

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
    baseAccuracy: prediction === undefined ? null : accuracyOf(store.results.predictionConfusion(prediction.id)),
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
  const noise = recordsOf(stageOf(run, 'noise-attack', of), (id) => store.results.noiseAttackOutcomes(id));
  const pgd = recordsOf(stageOf(run, 'pgd', of), (id) => store.results.pgdOutcomes(id));
  const searches = recordsOf(stageOf(run, 'adversarial-search', of), (id) =>
    store.results.adversarialSearchOutcomes(id),
  );
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

export function searchSummary(records: readonly AdversarialSearchOutcome[]): SearchSummary {
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

function accuracyOf(counts: readonly ConfusionCount[]): Share | null {
  const total = counts.reduce((sum, { n }) => sum + n, 0);
  const hits = counts.reduce((sum, { n, label, predicted }) => sum + (label === predicted ? n : 0), 0);
  return total === 0 ? null : { hits, total };
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
  const hits = store.results.provedInstances(stage.id);
  return hits === null ? null : { hits, total };
}
