import { clopperPearsonLower } from '../clopperPearson.ts';
import { argmax } from '../head.ts';
import { labelLevel } from '../levels.ts';
import { normalQuantileLower } from '../normal.ts';
import { abstained, certified, requireCounts, requireSigma } from './verdict.ts';
import type { CertificateDraws, CertificateVerdict } from './verdict.ts';

export interface LabelCounts extends CertificateDraws {
  /** [K] votes among the selection draws; unused when the selection is shared */
  readonly selectionCounts: Int32Array;
  /** [K] votes among the n estimation draws */
  readonly counts: Int32Array;
}

/**
 * Label certificate (Cohen, Rosenfeld & Kolter 2019; METHOD.md §4): p_A = BetaInv(α; n_A, n − n_A + 1),
 * r = σ·Φ⁻¹(p_A), abstaining unless p_A > 1/2.
 *
 * Guarantee: for every input x, with probability ≥ 1 − α over the draws at x, either this abstains, or for all x' with
 * ‖x' − x‖₂ ≤ r the class `predicted` is what h(f(x' + η)) says with probability > 1/2 (≥ 1/2 at ‖x' − x‖₂ = r).
 * Not promised: that the class is the right one, nor that certificates of several inputs hold together.
 * @throws RangeError for counts that cannot come from n draws
 */
export function labelVerdict(evidence: LabelCounts): CertificateVerdict {
  const { draws, selection, counts } = evidence;
  const selectionCounts = selection === 'separate' ? evidence.selectionCounts : counts;
  requireVotes(evidence, selectionCounts);
  // The class comes from the selection draws alone; the estimation draws only test it.
  const predicted = argmax(selectionCounts);
  if (!voted(selectionCounts) || !voted(counts)) return abstained(predicted, 'not-finite');
  const level = labelLevel({ ...evidence, classes: counts.length });
  const probabilityLower = clopperPearsonLower(counts[predicted], draws, level);
  if (!(probabilityLower > 0.5)) return abstained(predicted, 'no-majority');
  return certified(evidence, predicted, normalQuantileLower(probabilityLower));
}

const total = (counts: Int32Array): number => counts.reduce((a, b) => a + b, 0);

/** Rows with a NaN vote for nobody; where none votes, it is for that. (A head that ties the top of every row looks alike.) */
const voted = (counts: Int32Array): boolean => total(counts) > 0;

function requireVotes(evidence: LabelCounts, selectionCounts: Int32Array): void {
  const { counts, draws } = evidence;
  requireSigma('label certificate', evidence);
  requireCounts('label certificate', counts, draws);
  if (total(counts) > draws || selectionCounts.length !== counts.length) {
    throw new RangeError(
      `label certificate: got ${total(counts)} votes over ${counts.length} classes and a selection over ${selectionCounts.length}, ` +
        `expected at most the ${draws} draws and equal numbers of classes; count again`,
    );
  }
}
