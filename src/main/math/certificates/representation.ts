import { propagatedMargins } from '../boxPropagation.ts';
import type { RepresentationBox } from '../representationBox.ts';
import { argmax, headInputs, headLogits, requireHead, requireLength, type DenseHead } from '../head.ts';
import { representationLevel, type Selection } from '../levels.ts';
import { decidingLinearMarginsOver, linearMarginsOver } from '../linearBounds/linearMargins.ts';
import { allPositive, MARGIN_RULES, MARGINS_OVER_BOXES, type MarginRuleName } from '../marginRules.ts';
import { radiusOverSigmaOfIndex } from './indexRadius.ts';
import { boxOfIndex, largestRadiusIndexByMargin, mediansOfSorted, type SortedDraws } from './search.ts';
import { abstained, allFinite, certified, requireSigma } from './verdict.ts';
import type { CertificateDraws, CertificateVerdict } from './verdict.ts';

export interface RepresentationBoxEvidence extends CertificateDraws {
  /** [D] median of the selection draws; unused when the selection is shared */
  readonly selectionMedian: Float32Array;
  /** [D] m, median of the estimation draws */
  readonly median: Float32Array;
  /** Index of the order statistic of the box. */
  readonly k: number;
  /** [D] the box B */
  readonly lower: Float32Array;
  readonly upper: Float32Array;
}

/**
 * Representation certificate (METHOD.md §4): certified at ε_k iff, by the rule, h_c − h_j > 0 on the whole box B for
 * all j ≠ c, where c = h(median of the selection draws) (shared: h(m)) and h(m) = c.
 *
 * Guarantee, where `isProof(rule, head.constraint)`: for every input x, with probability ≥ 1 − α over the draws at x,
 * either this abstains, or for all x' with ‖x' − x‖₂ ≤ r the coordinatewise median over η of f(x' + η) has the
 * prediction `predicted` under h. The margins are computed anew from the box.
 * Not promised: anything about h(f(x')) itself or about votes, nor, for the rule `paper` under `wn`, a proof.
 * @throws RangeError for arrays of other sizes than D, a median outside its box, or an index that does not serve
 */
export function representationVerdict(
  evidence: RepresentationBoxEvidence,
  head: DenseHead,
  rule: MarginRuleName,
): CertificateVerdict {
  requireSigma('representation certificate', evidence);
  requireHead('representation certificate', head);
  requireBoxAroundMedian(evidence, headInputs(head));
  const [got, expected] = [selectedMedian(evidence).length, evidence.median.length];
  requireLength('representation certificate', 'selection median', { got, expected });
  return verdictByMargins(evidence, logitsOfMedians(evidence, head), (predicted) =>
    MARGIN_RULES[rule](head, evidence, predicted),
  );
}

type Medians = Pick<RepresentationBoxEvidence, 'selection' | 'selectionMedian' | 'median'>;

/** That which chooses the class under test. */
const selectedMedian = ({ selection, selectionMedian, median }: Medians): Float32Array =>
  selection === 'separate' ? selectionMedian : median;

/** What the head says of the medians, [K] each. */
interface LogitsOfMedians {
  readonly selected: Float64Array;
  readonly median: Float64Array;
}

function logitsOfMedians(medians: Medians, head: DenseHead): LogitsOfMedians {
  const selected = headLogits(head, selectedMedian(medians));
  return { selected, median: medians.selection === 'separate' ? headLogits(head, medians.median) : selected };
}

function verdictByMargins(
  evidence: RepresentationBoxEvidence,
  logits: LogitsOfMedians,
  marginsOf: (predicted: number) => Float64Array,
): CertificateVerdict {
  const { draws, k, median } = evidence;
  const predicted = argmax(logits.selected);
  if (
    ![selectedMedian(evidence), median, evidence.lower, evidence.upper, logits.selected, logits.median].every(allFinite)
  ) {
    return abstained(predicted, 'not-finite');
  }
  const level = representationLevel({ ...evidence, dimension: median.length });
  const radiusOverSigma = radiusOverSigmaOfIndex('representation certificate', k, { draws, level });
  if (argmax(logits.median) !== predicted) return abstained(predicted, 'median-disagrees');
  if (!allPositive(marginsOf(predicted))) return abstained(predicted, 'margin-not-positive');
  return certified(evidence, predicted, radiusOverSigma);
}

export interface RepresentationDraws {
  /** [D, n] */
  readonly sorted: SortedDraws;
  readonly selection: Selection;
  /** [D]; unused when the selection is shared */
  readonly selectionMedian: Float32Array;
  /** Largest usable k at `representationLevel`. */
  readonly largestIndex: number;
}

/** Arrays [D], marginLower [K]. */
export interface FoundBox {
  readonly median: Float32Array;
  readonly k: number;
  readonly lower: Float32Array;
  readonly upper: Float32Array;
  readonly marginLower: Float64Array;
}

/** The draws of an instance under one head; what does not depend on the rule is computed once. */
export interface RepresentationSearch {
  /** The class that h(m) has, which need not be the class under test. */
  readonly medianPrediction: number;
  /** The box with the largest radius on which the rule proves the margin positive, or the smallest box. */
  find(rule: MarginRuleName): FoundBox;
  /** The verdict of `representationVerdict` on what was found, from the margins that were computed then. */
  verdict(evidence: RepresentationBoxEvidence & FoundBox): CertificateVerdict;
}

/** @throws RangeError for a representation of another size than the head's */
export function searchRepresentations(
  { sorted, selection, selectionMedian, largestIndex }: RepresentationDraws,
  head: DenseHead,
): RepresentationSearch {
  const median = mediansOfSorted(sorted);
  const logits = logitsOfMedians({ selection, selectionMedian, median }, head);
  const c = argmax(logits.selected);
  const marginAtMedian = leastOf(propagatedMargins(head, { lower: median, upper: median }, c));
  const search = { sorted, marginAtMedian };
  const byRule = (rule: MarginRuleName): FoundBox => ({
    median,
    ...searchByMargins(search, largestIndex, MARGINS_OVER_BOXES[rule](head, median, c)),
  });
  let known: FoundBox | null = null;
  const byInterval = (): FoundBox => (known ??= byRule('interval'));
  // An index that passes by intervals, which cost a fiftieth, passes by linear bounds: only wider boxes are left to try.
  const byLinear = (): FoundBox => {
    const found = searchByMargins(search, byInterval().k, decidingLinearMarginsOver(head, c));
    const isWhole = allPositive(found.marginLower);
    return { median, ...found, marginLower: isWhole ? found.marginLower : linearMarginsOver(head, c)(found) };
  };
  return {
    medianPrediction: argmax(logits.median),
    find: (rule) => {
      if (rule === 'interval') return byInterval();
      return rule === 'linear' ? byLinear() : byRule(rule);
    },
    verdict: (evidence) => verdictByMargins(evidence, logits, () => evidence.marginLower),
  };
}

function searchByMargins(
  { sorted, marginAtMedian }: { readonly sorted: SortedDraws; readonly marginAtMedian: number },
  largestIndex: number,
  marginsOver: (box: RepresentationBox) => Float64Array,
): Omit<FoundBox, 'median'> {
  const known = new Map<number, Float64Array>();
  const leastMargin = (index: number): number => {
    const box = boxOfIndex(sorted, index);
    const margins = marginsOver(box);
    known.set(index, margins);
    return allFinite(box.lower) && allFinite(box.upper) ? leastOf(margins) : NaN;
  };
  const k = largestRadiusIndexByMargin({ largestIndex, draws: sorted.draws, marginAtMedian, leastMargin });
  return { k, ...boxOfIndex(sorted, k), marginLower: known.get(k)! };
}

/** NaN where one is. */
const leastOf = (margins: Float64Array): number => Math.min(...margins);

/** NaN passes here: the verdict abstains on it. */
function requireBoxAroundMedian({ median, lower, upper }: RepresentationBoxEvidence, dimension: number): void {
  for (const [quantity, values] of [
    ['median', median],
    ['lower bound', lower],
    ['upper bound', upper],
  ] as const) {
    requireLength('representation certificate', quantity, { got: values.length, expected: dimension });
  }
  median.forEach((value, i) => {
    if (value < lower[i] || value > upper[i]) {
      throw new RangeError(
        `representation certificate: got median ${value} at coordinate ${i}, expected it in the box [${lower[i]}, ${upper[i]}]; pass both from the same draws`,
      );
    }
  });
}
