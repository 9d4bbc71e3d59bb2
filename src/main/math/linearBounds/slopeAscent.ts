import { dense } from '../head.ts';
import {
  differencesBack,
  stepBack,
  type Difference,
  type LowerSlopes,
  type RelaxedHead,
  type Rows,
} from './backSubstitution.ts';
import type { CompareStep, ComparatorLines } from './relaxedHead.ts';

/** Each step moves half as far as the one before, the first one by 1/2: from 0 or 1 any slope can be reached. */
const STEPS = 4;

/**
 * Looks for slopes α of a margin's own under which its bound is positive: every α in [0, 1] is sound, so the best bound found
 * counts. Ascends by the sign of the derivative (Xu et al. 2021 optimise the same slopes with Adam).
 * @param margin of two classes
 * @returns the largest bound found; the search ends with the first that is positive
 */
export function ascendSlopes(head: RelaxedHead, margin: Difference): number {
  const start = differencesBack(head, head.steps.length, [margin]);
  const slopes = new Map<number, Float64Array>();
  for (const [at, relaxation] of head.relaxations.entries()) {
    if (relaxation.kind === 'compare') slopes.set(at, relaxation.lowerSlope.slice());
  }
  let best = -Infinity;
  for (let step = 0, move = 0.5; step <= STEPS; step++, move /= 2) {
    const traced = traceBack(head, { ...start, coefficients: start.coefficients.slice() }, slopes);
    best = Math.max(best, traced.row.least![0]);
    // A NaN stays one: no slope repairs it.
    if (!(best <= 0) || step === STEPS) return best;
    moveSlopes(slopes, derivatives(head, traced, slopes), move);
  }
  return best;
}

interface Traced {
  /** At level 0. */
  readonly row: Rows;
  /** κ of each comparator, by step. */
  readonly kinks: ReadonlyMap<number, Float64Array>;
}

function traceBack(head: RelaxedHead, start: Rows, slopes: LowerSlopes): Traced {
  const kinks = new Map<number, Float64Array>();
  let row = start;
  while (row.level > 0) {
    const at = row.level - 1;
    const step = head.steps[at];
    const { coefficients } = row;
    if (step.kind === 'compare') {
      kinks.set(
        at,
        Float64Array.from(step.low, (low, q) => coefficients[step.high[q]] - coefficients[low]),
      );
    }
    row = stepBack(head, row, slopes);
  }
  return { row, kinks };
}

/**
 * d(bound)/dα by step: κ·t, where the lower line is in use, with t the value that the row's own lines give at the corner in
 * which the bound is attained.
 */
function derivatives(head: RelaxedHead, { row, kinks }: Traced, slopes: LowerSlopes): Map<number, Float64Array> {
  const found = new Map<number, Float64Array>();
  const { lower, upper } = head.levels[0];
  let units: Float64Array = lower.map((l, i) => (row.coefficients[i] < 0 ? upper[i] : l));
  for (const [at, step] of head.steps.entries()) {
    if (step.kind === 'dense') {
      units = dense(step.layer, units);
    } else {
      const lines = head.relaxations[at] as ComparatorLines;
      found.set(at, alongLines(step, lines, { units, kinks: kinks.get(at)!, slopes: slopes.get(at)! }));
    }
  }
  return found;
}

interface AlongLines {
  /** Before the comparators; after them when this returns. */
  readonly units: Float64Array;
  readonly kinks: Float64Array;
  readonly slopes: Float64Array;
}

function alongLines(
  { low, high }: CompareStep,
  lines: ComparatorLines,
  { units, kinks, slopes }: AlongLines,
): Float64Array {
  const derivative = new Float64Array(low.length);
  const addRelu = (q: number, relu: number): void => {
    units[low[q]] -= relu;
    units[high[q]] += relu;
  };
  for (const q of lines.swapped) addRelu(q, units[low[q]] - units[high[q]]);
  for (const q of lines.open) {
    const difference = units[low[q]] - units[high[q]];
    const isLower = kinks[q] >= 0;
    if (isLower) derivative[q] = kinks[q] * difference;
    addRelu(q, isLower ? slopes[q] * difference : lines.upperSlope[q] * difference + lines.upperOffset[q]);
  }
  return derivative;
}

function moveSlopes(
  slopes: ReadonlyMap<number, Float64Array>,
  derivatives: ReadonlyMap<number, Float64Array>,
  move: number,
): void {
  for (const [at, derivative] of derivatives) {
    const own = slopes.get(at)!;
    derivative.forEach((value, q) => (own[q] = Math.min(1, Math.max(0, own[q] + move * Math.sign(value)))));
  }
}
