import { differencesThroughLayer, rowsThroughLayer, type LayerOnBox, type RowsThroughLayer } from '../kernel/kernel.ts';
import { sumError } from '../rounding.ts';
import type { CompareStep, ComparatorLines, DenseReach, DenseStep, Level, Relaxation, Step } from './relaxedHead.ts';

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
  /** The least value of each row over its level's box, rounded down; null at a level before comparators. */
  readonly least: Float64Array | null;
}

/** α of the comparators of each step; where a step has none, that of least area is taken. */
export type LowerSlopes = ReadonlyMap<number, Float64Array>;

export type Difference = readonly [plus: number, minus: number];

/** A row for each difference of two units of a level, in the units of the level before. */
export function differencesBack(head: RelaxedHead, level: number, pairs: readonly Difference[]): Rows {
  const step = head.steps[level - 1];
  const nothing = new Float64Array(pairs.length);
  const start = { count: pairs.length, level, constant: nothing, magnitude: nothing };
  if (step.kind === 'dense') {
    const known = layerOnBox(head, level - 1, step);
    return throughDense(head, start, { before: known.before, through: differencesThroughLayer(pairs, known) });
  }
  const width = head.levels[level].lower.length;
  const coefficients = new Float64Array(pairs.length * width);
  pairs.forEach(([plus, minus], row) => {
    coefficients[row * width + plus] = 1;
    coefficients[row * width + minus] = -1;
  });
  return stepBack(head, { ...start, coefficients, least: null });
}

/** The same rows in the units of the level before. Takes the rows' coefficients over, to write into: the given rows are of no use afterwards. */
export function stepBack(head: RelaxedHead, rows: Rows, slopes?: LowerSlopes): Rows {
  const at = rows.level - 1;
  const [step, relaxation] = [head.steps[at], head.relaxations[at]];
  if (step.kind === 'dense') {
    const known = layerOnBox(head, at, step);
    const through = rowsThroughLayer(rows.coefficients, rows.count, known);
    return throughDense(head, rows, { before: known.before, through });
  }
  const lines = relaxation as ComparatorLines;
  return throughComparators(step, lines, { rows, lowerSlope: slopes?.get(at) ?? lines.lowerSlope });
}

const layerOnBox = (head: RelaxedHead, at: number, { layer }: DenseStep): LayerOnBox & { readonly before: Level } => ({
  layer,
  reach: (head.relaxations[at] as DenseReach).reach,
  before: head.levels[at],
});

/**
 * With the least value of each row over the box before the layer, rounded down. With γ_m of Higham 2002, §3.1: a sum of m
 * products, in whatever order, is wrong by at most γ_m·Σ|products|. Through a layer a coefficient errs by γ·Σ_k |A_k·W_kj|, which the
 * unit j multiplies by its magnitude: γ·Σ_k |A_k|·reach_k in all, constant included. Through a comparator, slopes being
 * at most 1 but for rounding, three roundings in each of two coefficients cost at most 3·(|A_low| + |A_high|) times
 * twice the two units' magnitudes, and the offset as much again at most in its sum. `magnitude` is the sum of all of
 * these, and m is the width of the widest level with what one term itself is rounded.
 */
function throughDense(
  { widest }: RelaxedHead,
  rows: Pick<Rows, 'count' | 'level' | 'constant' | 'magnitude'>,
  { before, through }: { readonly before: Level; readonly through: RowsThroughLayer },
): Rows {
  const { coefficients, products, absolutes, leastTerms, leastAbsolutes } = through;
  const constant = rows.constant.map((offset, row) => offset + products[row]);
  // Coefficients below the smallest double are lost; a multiple of them that no other rounding reaches covers it.
  const lost = SMALLEST * before.magnitudeSum;
  const magnitude = rows.magnitude.map((sum, row) => sum + (Math.abs(rows.constant[row]) + lost + absolutes[row]));
  const least = constant.map((offset, row) => {
    const absolute = magnitude[row] + Math.abs(offset) + leastAbsolutes[row];
    return offset + leastTerms[row] - sumError(widest + 8, absolute);
  });
  return { count: rows.count, level: rows.level - 1, coefficients, constant, magnitude, least };
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
  const { swapped, open, upperSlope, upperOffset, reach } = lines;
  const width = rows.coefficients.length / count;
  const { coefficients } = rows;
  const constant = rows.constant.slice();
  const magnitude = rows.magnitude.slice();
  for (let row = 0; row < count; row++) {
    const first = row * width;
    for (const q of swapped) {
      const a = first + low[q];
      const b = first + high[q];
      const ofLow = coefficients[a];
      coefficients[a] = coefficients[b];
      coefficients[b] = ofLow;
    }
    let sum = constant[row];
    let absolute = Math.abs(sum);
    for (const q of open) {
      const a = first + low[q];
      const b = first + high[q];
      const ofLow = coefficients[a];
      const ofHigh = coefficients[b];
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
  return { count, level: rows.level - 1, coefficients, constant, magnitude, least: null };
}

/** The given ones among the rows, in ascending order; their coefficients move up in the memory of the given rows. */
export function pickRows(rows: Rows, picked: readonly number[]): Rows {
  const width = rows.coefficients.length / rows.count;
  picked.forEach((row, i) => rows.coefficients.copyWithin(i * width, row * width, (row + 1) * width));
  const pick = (values: Float64Array): Float64Array => Float64Array.from(picked, (row) => values[row]);
  const [constant, magnitude] = [pick(rows.constant), pick(rows.magnitude)];
  const coefficients = rows.coefficients.subarray(0, picked.length * width);
  return { count: picked.length, level: rows.level, coefficients, constant, magnitude, least: null };
}
