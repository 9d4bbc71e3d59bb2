import { propagatedMargins, type RepresentationBox } from '../boxPropagation.ts';
import { headClasses, requireClass, requireHead, type DenseHead } from '../head.ts';
import { differencesBack, stepBack, type RelaxedHead, type Rows } from './backSubstitution.ts';
import { relaxationOver } from './relax.ts';
import { ascendSlopes } from './slopeAscent.ts';

/**
 * Lower bounds of h_c − h_j over boxes, [K], +Infinity at c, rounded down: linear bounds by back-substitution (CROWN, Zhang
 * et al. 2018) through GroupSort as comparators, METHOD.md §4. Where interval propagation is better, its bound: never
 * looser than the rule `interval`, and the same for one layer, where both are exact.
 * @throws RangeError as propagatedMargins does
 */
export function linearMarginsOver(head: DenseHead, c: number): (box: RepresentationBox) => Float64Array {
  const substitute = substitutionOver(head, c);
  return (box) => {
    if (head.layers.length === 1) return propagatedMargins(head, box, c);
    const { rivals, margins, improve } = substitute(box);
    rivals.forEach((_, i) => improve(i));
    return margins;
  };
}

/**
 * As linearMarginsOver has them where all are positive. Otherwise the search for better lines ended with the first margin that stayed
 * negative, and the others are as they were before it: enough to know that the box does not pass, at a fraction of the time.
 */
export function decidingLinearMarginsOver(head: DenseHead, c: number): (box: RepresentationBox) => Float64Array {
  const substitute = substitutionOver(head, c);
  return (box) => {
    if (head.layers.length === 1) return propagatedMargins(head, box, c);
    const substitution = substitute(box);
    areAllPositive(substitution);
    return substitution.margins;
  };
}

/** Whether they are, or can be made so; once one cannot, nothing is gained by the others. */
function areAllPositive({ rivals, margins, improve }: Substitution): boolean {
  const worstFirst = [...rivals.keys()].sort((a, b) => margins[rivals[a]] - margins[rivals[b]]);
  return worstFirst.every((i) => improve(i) > 0);
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
  const substitute = substitutionOver(head, c);
  return (box) => {
    const substitution = substitute(box);
    const isProved = areAllPositive(substitution);
    const { rivals, margins, relaxed, end } = substitution;
    const worst = rivals.map((rival, i) => ({ rival, margin: margins[rival], ...leastCorner(relaxed, end, i) }));
    return { isProved, worst };
  };
}

interface Substitution {
  /** All classes but c. */
  readonly rivals: readonly number[];
  /** [K], by lines of least area. */
  readonly margins: Float64Array;
  /** Looks for better lines for a rival's margin where it is not positive. @returns the margin, which is the better one now */
  readonly improve: (rival: number) => number;
  readonly relaxed: RelaxedHead;
  /** What the rivals' rows come to at level 0. */
  readonly end: Rows;
}

function substitutionOver(head: DenseHead, c: number): (box: RepresentationBox) => Substitution {
  requireHead('linear margins', head);
  requireClass('linear margins', head, c);
  const rivals = Array.from({ length: headClasses(head) }, (_, j) => j).filter((j) => j !== c);
  const pairs = rivals.map((j) => [c, j] as const);
  let relaxationOf: ReturnType<typeof relaxationOver> | null = null;
  return (box) => {
    const margins = propagatedMargins(head, box, c);
    // After the sizes were checked.
    relaxationOf ??= relaxationOver(head);
    const relaxed = relaxationOf(box);
    const { best, end } = substitute(relaxed, differencesBack(relaxed, relaxed.steps.length, pairs));
    const raise = (i: number, bound: number): number => {
      const j = rivals[i];
      // A NaN compares as false, and overflow gives one, since the slack is infinite then: neither helps a margin.
      if (bound > margins[j]) margins[j] = bound;
      return margins[j];
    };
    best.forEach((bound, i) => raise(i, bound));
    const improve = (i: number): number =>
      best[i] > 0 ? margins[rivals[i]] : raise(i, ascendSlopes(relaxed, pairs[i]));
    return { rivals, margins, improve, relaxed, end };
  };
}

/** The best bound at any level, and what the rows come to at level 0. */
function substitute(relaxed: RelaxedHead, start: Rows): { readonly best: Float64Array; readonly end: Rows } {
  const best = new Float64Array(start.count).fill(-Infinity);
  for (let rows = start; ; rows = stepBack(relaxed, rows)) {
    rows.least?.forEach((least, i) => {
      if (least > best[i]) best[i] = least;
    });
    if (rows.level === 0) return { best, end: rows };
  }
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
