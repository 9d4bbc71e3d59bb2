import { denseInterval, type RepresentationBox } from '../boxPropagation.ts';
import type { Interval } from '../groupSort.ts';
import type { DenseHead } from '../head.ts';
import { roundedDown, roundedUp } from '../rounding.ts';
import { differencesBack, pickRows, stepBack, type RelaxedHead, type Rows } from './backSubstitution.ts';
import { comparatorLines, compareInterval, levelOf, stepsOf } from './relaxedHead.ts';
import type { CompareStep, Level, Relaxation } from './relaxedHead.ts';

/**
 * Bounds of every unit and lines around every comparator of a head, over boxes. What the lines are drawn from, the
 * difference t of the two units, is bounded itself: by the two units' intervals, by their merged interval in the layer
 * before, and by linear bounds down to every layer and to the box; the best of all of these holds.
 */
export function relaxationOver(head: DenseHead): (box: RepresentationBox) => RelaxedHead {
  const steps = stepsOf(head);
  const widest = Math.max(...head.layers.flatMap(({ inputs, outputs }) => [inputs, outputs]));
  return (box) => {
    const levels: Level[] = [levelOf({ lower: new Float64Array(box.lower), upper: new Float64Array(box.upper) })];
    const relaxations: Relaxation[] = [];
    const known = { steps, levels, relaxations, widest };
    for (const [at, step] of steps.entries()) {
      const level = levels[at];
      if (step.kind === 'dense') {
        const { reach, ...interval } = denseInterval(step.layer, level);
        relaxations.push({ kind: 'dense', reach });
        levels.push(levelOf(interval));
      } else {
        relaxations.push(comparatorLines(step, level, differencesOf(known, step)));
        levels.push(levelOf(compareInterval(step, level)));
      }
    }
    return known;
  };
}

/** Bounds of t = a − b of each comparator at the last level that is known, [comparators]. */
function differencesOf(known: RelaxedHead, { low, high }: CompareStep): Interval {
  const at = known.levels.length - 1;
  const units = known.levels[at];
  const lower = Float64Array.from(low, (a, q) => roundedDown(units.lower[a] - units.upper[high[q]], 1));
  const upper = Float64Array.from(low, (a, q) => roundedUp(units.upper[a] - units.lower[high[q]], 1));
  // Where the order is settled, lines are exact and better bounds would change nothing.
  const isOpen = (q: number): boolean => !(lower[q] >= 0 || upper[q] <= 0);
  let open = Array.from(low.keys()).filter(isOpen);
  const pairs = open.flatMap((q) => [[low[q], high[q]] as const, [high[q], low[q]] as const]);
  if (at === 0 || open.length === 0) return { lower, upper };
  for (let rows = differencesBack(known, at, pairs); ; rows = stepBack(known, rows)) {
    if (rows.least !== null) {
      tighten({ lower, upper }, open, rows.least);
      rows = onlyOpen(rows, open.map(isOpen));
      open = open.filter(isOpen);
    }
    if (rows.level === 0 || open.length === 0) return { lower, upper };
  }
}

/** @param least lower bounds of t and of −t in turns, for each that is open */
function tighten({ lower, upper }: Interval, open: readonly number[], least: Float64Array): void {
  open.forEach((q, i) => {
    lower[q] = Math.max(lower[q], least[2 * i]);
    upper[q] = Math.min(upper[q], -least[2 * i + 1]);
  });
}

function onlyOpen(rows: Rows, isOpen: readonly boolean[]): Rows {
  if (isOpen.every((open) => open)) return rows;
  const picked = isOpen.flatMap((open, i) => (open ? [2 * i, 2 * i + 1] : []));
  return pickRows(rows, picked);
}
