import type { Interval } from '../groupSort.ts';
import type { DenseHead, DenseLayerWeights } from '../head.ts';
import { roundedUp } from '../rounding.ts';
import { groupSortStages, type ComparatorStage } from './sortingNetwork.ts';

export interface DenseStep {
  readonly kind: 'dense';
  readonly layer: DenseLayerWeights;
}

export interface CompareStep extends ComparatorStage {
  readonly kind: 'compare';
}

export type Step = DenseStep | CompareStep;

/** A head as dense layers and comparators: step s leads from the units of level s to those of level s + 1; level 0 is z. */
export function stepsOf({ layers, groupSize }: DenseHead): Step[] {
  return layers.flatMap((layer, i): Step[] => {
    const stages = i === layers.length - 1 ? [] : groupSortStages(layer.outputs, groupSize);
    return [{ kind: 'dense', layer }, ...stages.map((stage): Step => ({ kind: 'compare', ...stage }))];
  });
}

/** Bounds of the units of a level over a box, and the largest absolute value that they allow; all [width]. */
export interface Level extends Interval {
  readonly magnitude: Float64Array;
  /** Of all magnitudes together. */
  readonly magnitudeSum: number;
}

export function levelOf({ lower, upper }: Interval): Level {
  const magnitude = lower.map((bound, i) => Math.max(Math.abs(bound), Math.abs(upper[i])));
  return { lower, upper, magnitude, magnitudeSum: magnitude.reduce((sum, value) => sum + value, 0) };
}

/** What a back-substitution reads of a dense layer on a box: Σ_j |W_kj|·|unit j| + |b_k| at most, [outputs]. */
export interface DenseReach {
  readonly kind: 'dense';
  readonly reach: Float64Array;
}

/**
 * Lines around relu(t), t = a − b, for each comparator, over the box: min(a, b) = a − relu(t), max(a, b) = b + relu(t),
 * and α·t ≤ relu(t) ≤ p·t + o for t in [l, u] with l < 0 < u, any α in [0, 1], p = u/(u − l) and o = −p·l (Zhang et al.
 * 2018). All [comparators].
 */
export interface ComparatorLines {
  readonly kind: 'compare';
  /** Comparators with a ≥ b on the whole box. */
  readonly swapped: Int32Array;
  /** Those of either order: only there lines are needed. With a ≤ b on the whole box, there is nothing to do. */
  readonly open: Int32Array;
  /** p and o, rounded up so that the line stays above. */
  readonly upperSlope: Float64Array;
  readonly upperOffset: Float64Array;
  /** α, chosen so that the area between the lines is least: 1 where u > −l, else 0. */
  readonly lowerSlope: Float64Array;
  /** What |A_low| + |A_high| is multiplied by in a bound on rounding errors. */
  readonly reach: Float64Array;
}

export type Relaxation = DenseReach | ComparatorLines;

/** @param differences bounds of t of each comparator */
export function comparatorLines(
  { low, high }: CompareStep,
  { magnitude }: Level,
  differences: Interval,
): ComparatorLines {
  const { lower, upper } = differences;
  const count = low.length;
  const lines: ComparatorLines = {
    kind: 'compare',
    swapped: Int32Array.from(low.keys()).filter((q) => lower[q] >= 0),
    open: Int32Array.from(low.keys()).filter((q) => !(lower[q] >= 0 || upper[q] <= 0)),
    upperSlope: new Float64Array(count),
    upperOffset: new Float64Array(count),
    lowerSlope: new Float64Array(count),
    reach: new Float64Array(count),
  };
  for (let q = 0; q < count; q++) {
    const [l, u] = [lower[q], upper[q]];
    // A sum and a quotient; at t = l the line is ≥ 0 and at t = u it is ≥ u, hence above relu, which is convex, between.
    const slope = roundedUp(u / (u - l), 3);
    lines.upperSlope[q] = slope;
    lines.upperOffset[q] = roundedUp(slope * -l, 1);
    lines.lowerSlope[q] = u > -l ? 1 : 0;
    lines.reach[q] = 3 * (magnitude[low[q]] + magnitude[high[q]]);
  }
  return lines;
}

/** Bounds after the comparators, exact for each unit. */
export function compareInterval({ low, high }: CompareStep, { lower, upper }: Interval): Interval {
  const after = { lower: lower.slice(), upper: upper.slice() };
  for (let q = 0; q < low.length; q++) {
    const [a, b] = [low[q], high[q]];
    for (const side of ['lower', 'upper'] as const) {
      const units = after[side];
      const [first, second] = [units[a], units[b]];
      units[a] = Math.min(first, second);
      units[b] = Math.max(first, second);
    }
  }
  return after;
}
