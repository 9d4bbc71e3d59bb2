import { labelVerdict } from '../../math/certificates/label.ts';
import { logitVerdict, searchLogitBox } from '../../math/certificates/logit.ts';
import { pairwiseVerdict } from '../../math/certificates/pairwise.ts';
import { searchRepresentations } from '../../math/certificates/representation.ts';
import { mediansOfSorted } from '../../math/certificates/search.ts';
import { countVotes, countWins, pairwiseCandidate, worstWins } from '../../math/certificates/votes.ts';
import { argmax } from '../../math/head.ts';
import { effectiveLogitTest, logitLevel, representationLevel } from '../../math/levels.ts';
import { isProof } from '../../math/marginRules.ts';
import { largestUsableIndex } from '../../math/orderStatistics.ts';
import { applicableRules } from './applicableRules.ts';
import { putInColumns, sortColumns } from './columns.ts';
import { falsificationOf, needsFalsification } from './falsificationOf.ts';
import type { CertificationSettings } from '../../../shared/config.ts';
import type { CertificateRecord, DrawsEvidence, HeadWeights } from '../../../shared/results.ts';

/** One head's view of an instance's draws. */
export interface HeadDraws {
  readonly facts: DrawsEvidence;
  readonly weights: HeadWeights;
  /** K */
  readonly classes: number;
  /** [n₀, K]; null when the selection is shared. */
  readonly selectionLogits: Float32Array | null;
  /** [n, K] */
  readonly estimationLogits: Float32Array;
  /** [D, n₀] and [D, n], each row ascending; null unless representations are certified. */
  readonly columns: { readonly selection: Float32Array | null; readonly estimation: Float32Array } | null;
}

export type Certificate = Omit<CertificateRecord, 'datasetIndex' | 'label' | 'radiusPixels'>;

/** Every certificate of one head on one instance, from its draws (METHOD.md §4): evidence first, then its verdict. */
export function certificatesOf(draws: HeadDraws, settings: CertificationSettings): Certificate[] {
  return settings.methods.flatMap((method): Certificate[] => {
    switch (method) {
      case 'label':
        return [labelCertificate(draws)];
      case 'pairwise':
        return [pairwiseCertificate(draws)];
      case 'logit':
        return [logitCertificate(draws, settings)];
      case 'representation':
        return representationCertificates(draws, settings);
    }
  });
}

const NO_DRAWS = new Float32Array(0);

function labelCertificate({ facts, classes, selectionLogits, estimationLogits }: HeadDraws): Certificate {
  const counts = countVotes(estimationLogits, classes);
  const selectionCounts = selectionLogits === null ? counts : countVotes(selectionLogits, classes);
  const evidence = { ...facts, method: 'label', selectionCounts, counts } as const;
  const verdict = labelVerdict(evidence);
  return {
    method: 'label',
    rule: null,
    soundness: 'proved',
    verdict,
    medianPrediction: null,
    evidence,
    falsification: null,
  };
}

function pairwiseCertificate({ facts, classes, selectionLogits, estimationLogits }: HeadDraws): Certificate {
  const selectionWorstWins = worstWins(selectionLogits ?? estimationLogits, classes);
  const wins = countWins(estimationLogits, classes, pairwiseCandidate(selectionWorstWins));
  const evidence = { ...facts, method: 'pairwise', selectionWorstWins, wins } as const;
  const verdict = pairwiseVerdict(evidence);
  return {
    method: 'pairwise',
    rule: null,
    soundness: 'proved',
    verdict,
    medianPrediction: null,
    evidence,
    falsification: null,
  };
}

function logitCertificate(draws: HeadDraws, settings: CertificationSettings): Certificate {
  const { facts, classes, selectionLogits, estimationLogits } = draws;
  const logitTest = effectiveLogitTest(facts.selection, settings.logitTest);
  const selectionMedian =
    selectionLogits === null
      ? NO_DRAWS
      : mediansOfSorted({ sortedColumns: sortedLogits(selectionLogits, classes), draws: facts.selectionDraws });
  const box = searchLogitBox({
    sorted: { sortedColumns: sortedLogits(estimationLogits, classes), draws: facts.draws },
    selection: facts.selection,
    selectionMedian,
    largestIndex: usableIndex(facts.draws, logitLevel({ ...facts, classes, logitTest })),
  });
  const evidence = { ...facts, method: 'logit', logitTest, selectionMedian, ...box } as const;
  return {
    method: 'logit',
    rule: null,
    soundness: 'proved',
    verdict: logitVerdict(evidence),
    medianPrediction: argmax(box.median),
    evidence,
    falsification: null,
  };
}

function representationCertificates(
  { facts, weights, columns }: HeadDraws,
  settings: CertificationSettings,
): Certificate[] {
  if (columns === null) throw new Error('internal: representation certificate: the draws were not sorted');
  const dimension = columns.estimation.length / facts.draws;
  const sorted = { sortedColumns: columns.estimation, draws: facts.draws };
  const selectionMedian =
    columns.selection === null
      ? NO_DRAWS
      : mediansOfSorted({ sortedColumns: columns.selection, draws: facts.selectionDraws });
  const largestIndex = usableIndex(facts.draws, representationLevel({ ...facts, dimension }));
  const search = searchRepresentations({ sorted, selection: facts.selection, selectionMedian, largestIndex }, weights);
  const certificates = applicableRules(settings.rules, weights).map((rule) => {
    const evidence = { ...facts, method: 'representation', rule, selectionMedian, ...search.find(rule) } as const;
    return {
      method: 'representation',
      rule,
      soundness: isProof(rule, weights.constraint) ? 'proved' : 'published-rule',
      verdict: search.verdict(evidence),
      medianPrediction: search.medianPrediction,
      evidence,
    } as const;
  });
  const proved = certificates.filter(({ soundness, verdict }) => soundness === 'proved' && isCertified(verdict));
  const provedFrom = Math.min(...proved.map(({ evidence }) => evidence.k));
  return certificates.map((certificate) => ({
    ...certificate,
    falsification: needsFalsification(settings, certificate)
      ? falsificationOf(weights, { ...certificate, sorted, largestIndex, provedFrom }, settings)
      : null,
  }));
}

const isCertified = ({ outcome }: Certificate['verdict']): boolean => outcome === 'certified';

/** [K, n] ascending in each row, from [n, K]. */
function sortedLogits(logits: Float32Array, classes: number): Float32Array {
  const draws = logits.length / classes;
  const columns = new Float32Array(logits.length);
  putInColumns(columns, logits, { first: 0, count: draws, draws });
  sortColumns(columns, draws);
  return columns;
}

const usableIndices = new Map<string, number>();

/** The largest usable k. A run asks for the same few levels for every instance, and each costs a bisection of quantiles. */
function usableIndex(draws: number, level: number): number {
  const key = `${draws} ${level}`;
  const known = usableIndices.get(key) ?? largestUsableIndex(draws, level);
  if (known === null)
    throw new Error(`internal: ${draws} draws certify nothing at level ${level}; the config check let it pass`);
  usableIndices.set(key, known);
  return known;
}
