import { propagatedMargins } from '../boxPropagation.ts';
import { headClasses, headInputs, requireClass, requireHead, type DenseHead } from '../head.ts';
import { linearMargins, linesBelowMargins, type Improved } from '../kernel/kernel.ts';
import { requireBox, type RepresentationBox } from '../representationBox.ts';

/**
 * Lower bounds of h_c − h_j over boxes, [K], +Infinity at c, rounded down: linear bounds by back-substitution (CROWN, Zhang
 * et al. 2018) through GroupSort as comparators, METHOD.md §4. Where interval propagation is better, its bound: never
 * looser than the rule `interval`, and the same for one layer, where both are exact.
 * @throws RangeError as propagatedMargins does
 */
export function linearMarginsOver(head: DenseHead, c: number): (box: RepresentationBox) => Float64Array {
  return marginsOver(head, c, 'all');
}

/**
 * As linearMarginsOver has them where all are positive. Otherwise the search for better lines ended with the first margin that stayed
 * negative, and the others are as they were before it: enough to know that the box does not pass, at a fraction of the time.
 */
export function decidingLinearMarginsOver(head: DenseHead, c: number): (box: RepresentationBox) => Float64Array {
  return marginsOver(head, c, 'until-one-fails');
}

function marginsOver(head: DenseHead, c: number, improved: Improved): (box: RepresentationBox) => Float64Array {
  requireHead('linear margins', head);
  requireClass('linear margins', head, c);
  return (box) => {
    if (head.layers.length === 1) return propagatedMargins(head, box, c);
    requireBox('linear margins', box, headInputs(head));
    return linearMargins(head, { box, c, improved });
  };
}

/** What linear bounds say of a box. */
export interface LinearAnalysis {
  /** Whether all margins are positive, as linearMarginsOver has them. */
  readonly isProved: boolean;
  /** For each rival a lower bound of the margin, the line below it by its slopes, [D], and the corner, [D], in which that is least. */
  readonly worst: readonly {
    readonly rival: number;
    readonly margin: number;
    readonly slopes: Float64Array;
    readonly corner: Float64Array;
  }[];
}

/** @throws RangeError as propagatedMargins does */
export function linearAnalysisOver(head: DenseHead, c: number): (box: RepresentationBox) => LinearAnalysis {
  requireHead('linear margins', head);
  requireClass('linear margins', head, c);
  const rivals = Array.from({ length: headClasses(head) }, (_, j) => j).filter((j) => j !== c);
  const inputs = headInputs(head);
  return (box) => {
    requireBox('linear margins', box, inputs);
    const { margins, arePositive, slopes } = linesBelowMargins(head, { box, c, improved: 'until-one-fails' });
    const worst = rivals.map((rival, i) => {
      const line = slopes.subarray(i * inputs, (i + 1) * inputs);
      const corner = line.map((slope, d) => (slope < 0 ? box.upper[d] : box.lower[d]));
      return { rival, margin: margins[rival], slopes: line, corner };
    });
    return { isProved: arePositive, worst };
  };
}
