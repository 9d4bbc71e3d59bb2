import { groupSortStages } from '../../../src/main/math/linearBounds/sortingNetwork.ts';
import type { DenseHead } from '../../../src/main/math/head.ts';

/** A head written out: each level's units from those before, by a matrix and an offset, or by comparators. */
type Step =
  | { readonly kind: 'dense'; readonly rows: readonly number[][]; readonly bias: readonly number[] }
  | { readonly kind: 'compare'; readonly pairs: readonly (readonly [low: number, high: number])[] };

interface Line {
  readonly coefficients: number[];
  readonly constant: number;
}

interface Bounds {
  readonly lower: number[];
  readonly upper: number[];
}

interface Relu {
  readonly lower: number;
  readonly upper: number;
}

/**
 * The bounds that CROWN gives the margins by lines of least area, as METHOD.md §4 has them and as plainly as can be: one line at a time, lists of numbers, no
 * rounding outward, everything computed for every comparator. [K], Infinity at c.
 */
export function referenceMargins(head: DenseHead, box: Bounds, c: number): number[] {
  const steps = stepsOf(head);
  const levels: Bounds[] = [box];
  const relus: Relu[][] = [];
  for (const [at, step] of steps.entries()) {
    if (step.kind === 'dense') {
      relus.push([]);
      levels.push(throughDense(step, levels[at]));
    } else {
      relus.push(step.pairs.map(([low, high]) => differenceBounds({ steps, levels, relus }, at, low, high)));
      levels.push(throughComparators(step, levels[at]));
    }
  }
  const known = { steps, levels, relus };
  const units = levels.at(-1)!.lower.length;
  return Array.from({ length: units }, (_, j) =>
    j === c ? Infinity : leastOf(known, steps.length, difference(units, c, j)),
  );
}

function stepsOf({ layers, groupSize }: DenseHead): Step[] {
  return layers.flatMap(({ inputs, outputs, weight, bias }, i): Step[] => {
    const rows = Array.from({ length: outputs }, (_, row) => [...weight.subarray(row * inputs, (row + 1) * inputs)]);
    const stages = i === layers.length - 1 ? [] : groupSortStages(outputs, groupSize);
    return [
      { kind: 'dense', rows, bias: [...bias] },
      ...stages.map(({ low, high }): Step => ({
        kind: 'compare',
        pairs: Array.from(low, (a, q) => [a, high[q]] as const),
      })),
    ];
  });
}

const sum = (terms: readonly number[]): number => terms.reduce((a, b) => a + b, 0);

const difference = (units: number, plus: number, minus: number): number[] =>
  Array.from({ length: units }, (_, i) => Number(i === plus) - Number(i === minus));

function throughDense({ rows, bias }: Extract<Step, { kind: 'dense' }>, { lower, upper }: Bounds): Bounds {
  const extreme = (row: number[], offset: number, [negative, positive]: [number[], number[]]): number =>
    offset + sum(row.map((w, i) => w * (w < 0 ? negative[i] : positive[i])));
  return {
    lower: rows.map((row, k) => extreme(row, bias[k], [upper, lower])),
    upper: rows.map((row, k) => extreme(row, bias[k], [lower, upper])),
  };
}

function throughComparators({ pairs }: Extract<Step, { kind: 'compare' }>, { lower, upper }: Bounds): Bounds {
  const after = { lower: [...lower], upper: [...upper] };
  for (const [low, high] of pairs) {
    for (const side of [after.lower, after.upper]) {
      [side[low], side[high]] = [Math.min(side[low], side[high]), Math.max(side[low], side[high])];
    }
  }
  return after;
}

interface Known {
  readonly steps: readonly Step[];
  readonly levels: readonly Bounds[];
  readonly relus: readonly (readonly Relu[])[];
}

/** Of a − b at level `at`: by the units' own bounds and by linear ones. */
function differenceBounds(known: Known, at: number, low: number, high: number): Relu {
  const { lower, upper } = known.levels[at];
  const units = lower.length;
  return {
    lower: Math.max(lower[low] - upper[high], leastOf(known, at, difference(units, low, high))),
    upper: Math.min(upper[low] - lower[high], -leastOf(known, at, difference(units, high, low))),
  };
}

/** The best lower bound of a line in the units of a level, at that level or at any before it that lies before a layer. */
function leastOf(known: Known, level: number, coefficients: number[]): number {
  let line: Line = { coefficients, constant: 0 };
  let best = -Infinity;
  for (let at = level - 1; at >= 0; at--) {
    line = back(known, at, line);
    if (known.steps[at].kind === 'compare') continue;
    const { lower, upper } = known.levels[at];
    best = Math.max(best, line.constant + sum(line.coefficients.map((a, i) => a * (a < 0 ? upper[i] : lower[i]))));
  }
  return best;
}

function back({ steps, relus }: Known, at: number, { coefficients, constant }: Line): Line {
  const step = steps[at];
  if (step.kind === 'dense') {
    return {
      coefficients: step.rows[0].map((_, j) => sum(step.rows.map((row, k) => coefficients[k] * row[j]))),
      constant: constant + sum(step.bias.map((offset, k) => coefficients[k] * offset)),
    };
  }
  const after = [...coefficients];
  let offset = constant;
  step.pairs.forEach(([low, high], q) => {
    const { lower, upper } = relus[at][q];
    const kink = after[high] - after[low];
    const [slope, rise] = lineBelow(kink, lower, upper);
    after[low] += kink * slope;
    after[high] -= kink * slope;
    offset += kink * rise;
  });
  return { coefficients: after, constant: offset };
}

/** Slope and rise of the line that stands for relu(t), t in [l, u], when it is multiplied by `kink` and is to be bounded from below. */
function lineBelow(kink: number, l: number, u: number): [slope: number, rise: number] {
  if (u <= 0) return [0, 0];
  if (l >= 0) return [1, 0];
  if (kink >= 0) return [u > -l ? 1 : 0, 0];
  return [u / (u - l), (-u * l) / (u - l)];
}
