import { argmax, requireLength } from '../head.ts';
import { logitLevel, type LogitTest, type Selection } from '../levels.ts';
import { radiusOverSigmaOfIndex } from './indexRadius.ts';
import { boxOfIndex, largestRadiusIndex, mediansOfSorted, type SortedDraws } from './search.ts';
import { abstained, allFinite, certified, requireSigma } from './verdict.ts';
import type { CertificateDraws, CertificateVerdict } from './verdict.ts';

export interface LogitBox extends CertificateDraws {
  readonly logitTest: LogitTest;
  /** [K] medians of the selection draws; unused when the selection is shared */
  readonly selectionMedian: Float32Array;
  /** Index of the order statistic of the box. */
  readonly k: number;
  /** [K] bounds on the median of each logit */
  readonly lower: Float32Array;
  readonly upper: Float32Array;
}

/**
 * Logit certificate (METHOD.md §4): certified at ε_k iff u_j < l_c for all j ≠ c, where c has the largest median logit of the
 * selection draws (shared: the largest l_c).
 *
 * Guarantee: for every input x, with probability ≥ 1 − α over the draws at x, either this abstains, or for all x' with
 * ‖x' − x‖₂ ≤ r the median over η of logit `predicted` of h(f(x' + η)) exceeds that of every other logit.
 * Not promised: that the class gets most votes; medians of logits are not votes.
 * @throws RangeError for bounds of other sizes than K or out of order, or an index that does not serve
 */
export function logitVerdict(evidence: LogitBox): CertificateVerdict {
  const { draws, k, lower, upper, selection, selectionMedian } = evidence;
  requireSigma('logit certificate', evidence);
  requireLength('logit certificate', 'upper bound', { got: upper.length, expected: lower.length });
  if (selection === 'separate') {
    requireLength('logit certificate', 'selection median', { got: selectionMedian.length, expected: lower.length });
  }
  lower.forEach((bound, j) => {
    if (bound > upper[j]) {
      throw new RangeError(
        `logit certificate: got lower bound ${bound} of logit ${j}, expected at most its upper bound ${upper[j]}; pass lower and upper in order`,
      );
    }
  });
  const predicted = candidate(evidence);
  if (![lower, upper, selection === 'separate' ? selectionMedian : lower].every(allFinite)) {
    return abstained(predicted, 'not-finite');
  }
  const level = logitLevel({ ...evidence, classes: lower.length });
  const radiusOverSigma = radiusOverSigmaOfIndex('logit certificate', k, { draws, level });
  if (!separated(evidence, predicted)) return abstained(predicted, 'boxes-overlap');
  return certified(evidence, predicted, radiusOverSigma);
}

export interface LogitSearch {
  /** [K, n] */
  readonly sorted: SortedDraws;
  readonly selection: Selection;
  /** [K]; unused when the selection is shared */
  readonly selectionMedian: Float32Array;
  /** Largest usable k at `logitLevel`. */
  readonly largestIndex: number;
}

/** The box with the largest radius whose logits are separated, or the smallest box; all arrays [K]. */
export function searchLogitBox({ sorted, selection, selectionMedian, largestIndex }: LogitSearch): {
  median: Float32Array;
  k: number;
  lower: Float32Array;
  upper: Float32Array;
} {
  const k = largestRadiusIndex(largestIndex, (index) => {
    const box = boxOfIndex(sorted, index);
    return (
      allFinite(box.lower) && allFinite(box.upper) && separated(box, candidate({ selection, selectionMedian, ...box }))
    );
  });
  return { median: mediansOfSorted(sorted), k, ...boxOfIndex(sorted, k) };
}

type Candidates = Pick<LogitBox, 'selection' | 'selectionMedian' | 'lower'>;

/** The class under test. */
const candidate = ({ selection, selectionMedian, lower }: Candidates): number =>
  argmax(selection === 'separate' ? selectionMedian : lower);

const separated = ({ lower, upper }: Pick<LogitBox, 'lower' | 'upper'>, c: number): boolean =>
  upper.every((bound, j) => j === c || bound < lower[c]);
