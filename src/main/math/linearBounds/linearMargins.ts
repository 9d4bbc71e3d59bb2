import { propagatedMargins, type RepresentationBox } from '../boxPropagation.ts';
import { headClasses, requireClass, requireHead, type DenseHead } from '../head.ts';
import { differenceRows, leastOverBox, pickRows, stepBack, type RelaxedHead, type Rows } from './backSubstitution.ts';
import { relaxationOver } from './relax.ts';
import { ascendSlopes } from './slopeAscent.ts';

/**
 * Lower bounds of h_c − h_j over boxes, [K], +Infinity at c, rounded down: linear bounds by back-substitution (CROWN, Zhang
 * et al. 2018) through GroupSort as comparators, METHOD.md §4. Where interval propagation is better, its bound: never
 * looser than the rule `interval`, and the same for one layer, where both are exact.
 * @throws RangeError as propagatedMargins does
 */
export function linearMarginsOver(head: DenseHead, c: number): (box: RepresentationBox) => Float64Array {
  const analyse = linearAnalysisOver(head, c);
  return (box) => (head.layers.length === 1 ? propagatedMargins(head, box, c) : analyse(box).margins);
}

/** What linear bounds say of a box. */
export interface LinearAnalysis {
  /** [K], as linearMarginsOver has them. */
  readonly margins: Float64Array;
  /** For each rival the line below its margin, by its slopes, [D], and the corner, [D], in which it is least. */
  readonly worst: readonly { readonly rival: number; readonly slopes: Float64Array; readonly corner: Float64Array }[];
}

/** @throws RangeError as propagatedMargins does */
export function linearAnalysisOver(head: DenseHead, c: number): (box: RepresentationBox) => LinearAnalysis {
  requireHead('linear margins', head);
  requireClass('linear margins', head, c);
  const rivals = Array.from({ length: headClasses(head) }, (_, j) => j).filter((j) => j !== c);
  let relaxationOf: ReturnType<typeof relaxationOver> | null = null;
  return (box) => {
    const margins = propagatedMargins(head, box, c);
    // After the sizes were checked.
    relaxationOf ??= relaxationOver(head);
    const relaxed = relaxationOf(box);
    const pairs = rivals.map((j) => [c, j] as const);
    const start = differenceRows(relaxed.steps.length, headClasses(head), pairs);
    const { best, end } = substitute(relaxed, start);
    rivals.forEach((j, i) => {
      const bound = best[i] > 0 ? best[i] : Math.max(best[i], ascendSlopes(relaxed, pickRows(start, [i])));
      // A NaN compares as false, and overflow gives one, since the slack is infinite then: neither helps a margin.
      if (bound > margins[j]) margins[j] = bound;
    });
    return { margins, worst: rivals.map((rival, i) => ({ rival, ...leastCorner(relaxed, end, i) })) };
  };
}

/** The best bound at any level, and what the rows come to at level 0. */
function substitute(relaxed: RelaxedHead, start: Rows): { readonly best: Float64Array; readonly end: Rows } {
  const best = new Float64Array(start.count).fill(-Infinity);
  let rows = start;
  while (rows.level > 0) {
    rows = stepBack(relaxed, rows);
    if (relaxed.steps[rows.level].kind === 'compare') continue;
    leastOverBox(relaxed, rows).forEach((least, i) => {
      if (least > best[i]) best[i] = least;
    });
  }
  return { best, end: rows };
}

function leastCorner(
  { levels }: RelaxedHead,
  { coefficients }: Rows,
  row: number,
): { readonly slopes: Float64Array; readonly corner: Float64Array } {
  const { lower, upper } = levels[0];
  const slopes = coefficients.slice(row * lower.length, (row + 1) * lower.length);
  return { slopes, corner: lower.map((l, i) => (slopes[i] < 0 ? upper[i] : l)) };
}
