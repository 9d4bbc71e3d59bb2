import { clopperPearsonLower } from '../clopperPearson.ts';
import { pairwiseLevel } from '../levels.ts';
import { normalQuantileLower } from '../normal.ts';
import { abstained, certified, requireCounts, requireSigma } from './verdict.ts';
import type { CertificateDraws, CertificateVerdict } from './verdict.ts';
import { pairwiseCandidate } from './votes.ts';

export interface PairwiseWins extends CertificateDraws {
  /** [K] fewest wins of each class among the selection draws; among the estimation draws when the selection is shared */
  readonly selectionWorstWins: Int32Array;
  /** [K] wins of the class under test among the n estimation draws; its own entry is n */
  readonly wins: Int32Array;
}

/**
 * Pairwise certificate (METHOD.md §4): p_j = BetaInv(α; n_j, n − n_j + 1) for each rival j, r = σ·Φ⁻¹(min_j p_j),
 * abstaining unless all p_j > 1/2. All rivals must lose, so each duel is tested at the full α (intersection–union).
 *
 * Guarantee: for every input x, with probability ≥ 1 − α over the draws at x, either this abstains, or for all x' with
 * ‖x' − x‖₂ ≤ r and every rival j, `predicted` beats j at x' + η with probability > 1/2 (≥ 1/2 at ‖x' − x‖₂ = r).
 * Not promised: that the class wins the plurality of votes; it is the Condorcet winner.
 * @throws RangeError for wins that cannot come from n draws
 */
export function pairwiseVerdict(evidence: PairwiseWins): CertificateVerdict {
  const { draws, wins, selectionWorstWins } = evidence;
  requireSigma('pairwise certificate', evidence);
  requireCounts('pairwise certificate', wins, draws);
  const predicted = pairwiseCandidate(selectionWorstWins);
  if (selectionWorstWins.length !== wins.length || wins[predicted] !== draws) {
    throw new RangeError(
      `pairwise certificate: got ${wins[predicted] ?? 'no'} wins of class ${predicted} against itself and a selection over ` +
        `${selectionWorstWins.length} classes, expected the ${draws} draws and ${wins.length} classes; count the wins of the class under test`,
    );
  }
  // The bound grows with the wins, so the fewest wins give min_j p_j.
  const fewest = wins.reduce((least, count, j) => (j === predicted ? least : Math.min(least, count)), draws);
  const probabilityLower = clopperPearsonLower(fewest, draws, pairwiseLevel({ ...evidence, classes: wins.length }));
  if (!(probabilityLower > 0.5)) return abstained(predicted, 'a-rival-may-win');
  return certified(evidence, predicted, normalQuantileLower(probabilityLower));
}
