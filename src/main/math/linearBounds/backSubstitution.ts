import { sumError } from '../rounding.ts';
import type { CompareStep, ComparatorLines, DenseReach, DenseStep, Level, Relaxation, Step } from './relaxedHead.ts';
import { timesWeights } from './timesWeights.ts';

/** What is known of a head on a box: level s lies before step s, whose relaxation is of the same index. */
export interface RelaxedHead {
  readonly steps: readonly Step[];
  readonly levels: readonly Level[];
  readonly relaxations: readonly Relaxation[];
  /** Units of the widest level. */
  readonly widest: number;
}

/**
 * Affine functions of a level's units, each below a quantity that is to be bounded: for every z of the box,
 * quantity(z) ≥ A·units(z) + constant − (rounding errors of at most γ·magnitude).
 */
export interface Rows {
  readonly count: number;
  readonly level: number;
  /** A, [count, width of the level] */
  readonly coefficients: Float64Array;
  readonly constant: Float64Array;
  /** Sum of the absolute values of all that was added up on the way, each times the units it multiplies. */
  readonly magnitude: Float64Array;
}

/** α of the comparators of each step; where a step has none, that of least area is taken. */
export type LowerSlopes = ReadonlyMap<number, Float64Array>;

export type Difference = readonly [plus: number, minus: number];

/** A row for each difference of two units of a level. */
export function differenceRows(level: number, width: number, pairs: readonly Difference[]): Rows {
  const coefficients = new Float64Array(pairs.length * width);
  pairs.forEach(([plus, minus], row) => {
    coefficients[row * width + plus] = 1;
    coefficients[row * width + minus] = -1;
  });
  return {
    count: pairs.length,
    level,
    coefficients,
    constant: new Float64Array(pairs.length),
    magnitude: new Float64Array(pairs.length),
  };
}

/** The same rows in the units of the level before. */
export function stepBack(head: RelaxedHead, rows: Rows, slopes?: LowerSlopes): Rows {
  const at = rows.level - 1;
  const [step, relaxation] = [head.steps[at], head.relaxations[at]];
  if (step.kind === 'dense') return throughDense(step, relaxation as DenseReach, { rows, before: head.levels[at] });
  const lines = relaxation as ComparatorLines;
  return throughComparators(step, lines, { rows, lowerSlope: slopes?.get(at) ?? lines.lowerSlope });
}

function throughDense(
  step: DenseStep,
  { reach }: DenseReach,
  { rows, before }: { readonly rows: Rows; readonly before: Level },
): Rows {
  const { count, coefficients } = rows;
  const { outputs, bias } = step.layer;
  const constant = rows.constant.slice();
  const magnitude = rows.magnitude.slice();
  for (let row = 0, at = 0; row < count; row++) {
    let sum = constant[row];
    // Coefficients below the smallest double are lost; a multiple of them that no other rounding reaches covers it.
    let absolute = Math.abs(sum) + SMALLEST * before.magnitudeSum;
    for (let k = 0; k < outputs; k++, at++) {
      sum += coefficients[at] * bias[k];
      absolute += Math.abs(coefficients[at]) * reach[k];
    }
    constant[row] = sum;
    magnitude[row] += absolute;
  }
  return { count, level: rows.level - 1, coefficients: timesWeights(coefficients, count, step), constant, magnitude };
}

const SMALLEST = 2 ** -900;

/**
 * A_low·min(a, b) + A_high·max(a, b) = A_low·a + A_high·b + κ·relu(a − b), κ = A_high − A_low; below it, for κ ≥ 0, with
 * α·t for relu(t), and else with p·t + o.
 */
function throughComparators(
  { low, high }: CompareStep,
  lines: ComparatorLines,
  { rows, lowerSlope }: { readonly rows: Rows; readonly lowerSlope: Float64Array },
): Rows {
  const { count } = rows;
  const { order, upperSlope, upperOffset, reach } = lines;
  const width = rows.coefficients.length / count;
  const coefficients = rows.coefficients.slice();
  const constant = rows.constant.slice();
  const magnitude = rows.magnitude.slice();
  for (let row = 0; row < count; row++) {
    let sum = constant[row];
    let absolute = Math.abs(sum);
    for (let q = 0; q < low.length; q++) {
      if (order[q] < 0) continue;
      const [a, b] = [row * width + low[q], row * width + high[q]];
      const [ofLow, ofHigh] = [coefficients[a], coefficients[b]];
      if (order[q] > 0) {
        coefficients[a] = ofHigh;
        coefficients[b] = ofLow;
        continue;
      }
      const kink = ofHigh - ofLow;
      const moved = kink * (kink >= 0 ? lowerSlope[q] : upperSlope[q]);
      if (kink < 0) sum += kink * upperOffset[q];
      coefficients[a] = ofLow + moved;
      coefficients[b] = ofHigh - moved;
      absolute += (Math.abs(ofLow) + Math.abs(ofHigh)) * reach[q];
    }
    constant[row] = sum;
    magnitude[row] += absolute;
  }
  return { count, level: rows.level - 1, coefficients, constant, magnitude };
}

/**
 * The least value of each row over its level's box, [count], rounded down. With γ_m of Higham 2002, §3.1: a sum of m
 * products is wrong by at most γ_m·Σ|products|. Through a layer a coefficient errs by γ·Σ_k |A_k·W_kj|, which the
 * unit j multiplies by its magnitude: γ·Σ_k |A_k|·reach_k in all, constant included. Through a comparator, slopes being
 * at most 1 but for rounding, three roundings in each of two coefficients cost at most 3·(|A_low| + |A_high|) times
 * twice the two units' magnitudes, and the offset as much again at most in its sum. `magnitude` is the sum of all of
 * these, and m is the width of the widest level with what one term itself is rounded.
 */
export function leastOverBox({ levels, widest }: RelaxedHead, rows: Rows): Float64Array {
  const { count, coefficients, constant, magnitude } = rows;
  const { lower, upper } = levels[rows.level];
  const least = new Float64Array(count);
  for (let row = 0, at = 0; row < count; row++) {
    let sum = constant[row];
    let absolute = magnitude[row] + Math.abs(sum);
    for (let i = 0; i < lower.length; i++, at++) {
      const factor = coefficients[at];
      const term = factor * (factor < 0 ? upper[i] : lower[i]);
      sum += term;
      absolute += Math.abs(term);
    }
    least[row] = sum - sumError(widest + 8, absolute);
  }
  return least;
}

/** The given ones among the rows, in their order. */
export function pickRows(rows: Rows, picked: readonly number[]): Rows {
  const width = rows.coefficients.length / rows.count;
  const coefficients = new Float64Array(picked.length * width);
  picked.forEach((row, i) => {
    coefficients.set(rows.coefficients.subarray(row * width, (row + 1) * width), i * width);
  });
  const pick = (values: Float64Array): Float64Array => Float64Array.from(picked, (row) => values[row]);
  const [constant, magnitude] = [pick(rows.constant), pick(rows.magnitude)];
  return { count: picked.length, level: rows.level, coefficients, constant, magnitude };
}
