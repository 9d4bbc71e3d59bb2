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
  requireHead('linear margins', head);
  requireClass('linear margins', head, c);
  const rivals = rivalsOf(head, c);
  let relaxationOf: ReturnType<typeof relaxationOver> | null = null;
  return (box) => {
    const margins = propagatedMargins(head, box, c);
    if (head.layers.length === 1) return margins;
    relaxationOf ??= relaxationOver(head);
    const relaxed = relaxationOf(box);
    const linear = linearBounds(relaxed, marginRows(head, c, relaxed.steps.length));
    // A NaN compares as false, and overflow gives one, since the slack is infinite then: neither helps a margin.
    rivals.forEach((j, i) => {
      if (linear[i] > margins[j]) margins[j] = linear[i];
    });
    return margins;
  };
}

const rivalsOf = (head: DenseHead, c: number): number[] =>
  Array.from({ length: headClasses(head) }, (_, j) => j).filter((j) => j !== c);

/** A row for each rival, of the logits. */
function marginRows(head: DenseHead, c: number, level: number): Rows {
  return differenceRows(
    level,
    headClasses(head),
    rivalsOf(head, c).map((j) => [c, j] as const),
  );
}

/** The best bound at any level, with lines of least area; where none is positive, with lines that are looked for. */
function linearBounds(relaxed: RelaxedHead, start: Rows): Float64Array {
  const best = new Float64Array(start.count).fill(-Infinity);
  let rows = start;
  while (rows.level > 0) {
    rows = stepBack(relaxed, rows);
    if (relaxed.steps[rows.level].kind === 'compare') continue;
    leastOverBox(relaxed, rows).forEach((least, i) => {
      if (least > best[i]) best[i] = least;
    });
  }
  return best.map((bound, i) => (bound > 0 ? bound : Math.max(bound, ascendSlopes(relaxed, pickRows(start, [i])))));
}

/**
 * The corner of the box in which each rival's linear bound is attained, [K − 1] of [D], rivals in order: where the margin
 * is likely to be least. NaN in a box gives corners of no use.
 */
export function worstCorners(head: DenseHead, c: number, box: RepresentationBox): Float64Array[] {
  const relaxed = relaxationOver(head)(box);
  let rows = marginRows(head, c, relaxed.steps.length);
  while (rows.level > 0) rows = stepBack(relaxed, rows);
  const { lower, upper } = relaxed.levels[0];
  return Array.from({ length: rows.count }, (_, row) =>
    lower.map((l, i) => (rows.coefficients[row * lower.length + i] < 0 ? upper[i] : l)),
  );
}
