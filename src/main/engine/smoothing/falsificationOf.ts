import { boxOfIndex, type SortedDraws } from '../../math/certificates/search.ts';
import { falsify } from '../../math/falsification.ts';
import { deriveKey } from '../../math/philox.ts';
import type { CertificationSettings } from '../../../shared/config.ts';
import type {
  CertificateRecord,
  Falsification,
  FalsifyingPoint,
  HeadWeights,
  RepresentationEvidence,
  Verdict,
} from '../../../shared/results.ts';

/** Only what claims to be certified without being a proof can be falsified. */
export function needsFalsification(
  { falsification }: Pick<CertificationSettings, 'falsification'>,
  { soundness, verdict }: Pick<CertificateRecord, 'soundness' | 'verdict'>,
): boolean {
  return falsification.enabled && soundness === 'published-rule' && verdict.outcome === 'certified';
}

interface SearchedCertificate {
  readonly evidence: RepresentationEvidence;
  readonly verdict: Verdict;
  readonly sorted: SortedDraws;
  /** The largest usable k, whose box is the smallest. */
  readonly largestIndex: number;
  /** The least k on whose box a rule that is a proof has the same class win; Infinity where none has. */
  readonly provedFrom: number;
}

/**
 * Searches the box of a certificate's radius and the smallest one for a point with another prediction (METHOD.md §4). Boxes
 * are nested: a point of the smallest box lies in the other one too, and in a box inside one that is proved there is none to be found.
 */
export function falsificationOf(
  head: HeadWeights,
  { evidence, verdict, sorted, largestIndex, provedFrom }: SearchedCertificate,
  { falsification: { restarts, steps } }: Pick<CertificationSettings, 'falsification'>,
): Falsification {
  const key = deriveKey(evidence.seed, 'falsification');
  const pointIn = (k: number): FalsifyingPoint | null => {
    if (k >= provedFrom) return null;
    const found = falsify(head, boxOfIndex(sorted, k), { c: verdict.predicted, restarts, steps, key });
    return found === null ? null : { k, ...found };
  };
  const atSmallestBox = pointIn(largestIndex);
  const atRadius = atSmallestBox === null ? pointIn(evidence.k) : { ...atSmallestBox, k: evidence.k };
  return { atRadius, atSmallestBox };
}
