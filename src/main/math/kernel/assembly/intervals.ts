// Bounds of a head's units over a box by interval propagation, METHOD.md §4.
import { stepAt, Head, Step } from './head';
import { bytes, DOUBLE, release, reserve, WORD } from './memory';
import { roundedUp, sumError } from './rounding';
import { intervalSums } from './sums';

/** Bounds of all levels from those of level 0. */
export function propagate(head: Head): void {
  for (let at = 0; at < head.count; at++) {
    const step = stepAt(head, at);
    if (step.comparators === 0) denseInterval(step, stepAt(head, at + 1));
    else compareInterval(step, stepAt(head, at + 1));
  }
}

/**
 * Bounds of W·z + b over a box, rounded outward, and the reach of each output. By the box's centre m and half-widths r it is W·m + b ± |W|·r, which takes
 * no branch on the sign of a weight.
 */
export function denseInterval(step: Step, after: Step): void {
  const inputs = step.width;
  const outputs = after.width;
  const centre = reserve(bytes(inputs));
  const halfWidths = reserve(bytes(inputs));
  for (let i: usize = 0; i < bytes(inputs); i += DOUBLE) {
    const lower = load<f64>(step.lower + i);
    const upper = load<f64>(step.upper + i);
    const middle = (lower + upper) / 2;
    store<f64>(centre + i, middle);
    // Rounded up, so that the box around the rounded centre holds the whole of the given one.
    store<f64>(halfWidths + i, roundedUp(max(upper - middle, middle - lower), 1));
  }
  intervalSums(step.weight, outputs, inputs, centre, halfWidths, after.lower, step.reach, after.upper);
  for (let row: usize = 0; row < bytes(outputs); row += DOUBLE) {
    const offset = load<f64>(step.bias + row);
    const middle = load<f64>(after.lower + row) + offset;
    const halfWidth = load<f64>(after.upper + row);
    const reach = load<f64>(step.reach + row) + abs(offset) + halfWidth;
    // One rounding in each product of either sum, and two in putting the sums together.
    const slack = sumError(inputs + 3, reach);
    store<f64>(step.reach + row, reach);
    store<f64>(after.lower + row, middle - halfWidth - slack);
    store<f64>(after.upper + row, middle + halfWidth + slack);
  }
  release(centre);
}

/** Bounds after comparators, exact for each unit: of several the i-th smallest is least where all are least and greatest where all are greatest. */
export function compareInterval(step: Step, after: Step): void {
  memory.copy(after.lower, step.lower, bytes(step.width));
  memory.copy(after.upper, step.upper, bytes(step.width));
  for (let q: usize = 0; q < WORD * step.comparators; q += WORD) {
    const a = bytes(load<i32>(step.low + q));
    const b = bytes(load<i32>(step.high + q));
    compare(after.lower + a, after.lower + b);
    compare(after.upper + a, after.upper + b);
  }
}

function compare(a: usize, b: usize): void {
  const first = load<f64>(a);
  const second = load<f64>(b);
  store<f64>(a, min(first, second));
  store<f64>(b, max(first, second));
}
