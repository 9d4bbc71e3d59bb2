// A head as dense layers and comparators, and what is known of it on a box, whose place the next box takes. Level s lies before step s; level 0 is z.
import { bytes, reserve, WORD } from './memory';

/** A dense layer or a stage of comparators, of which no unit is in two, and the level before it. */
@unmanaged
export class Step {
  /** Units of the level before. */
  width: i32;
  /** 0 for a dense layer. */
  comparators: i32;

  // Of a dense layer.
  /** [width of the next level, width], row by row and in panels. */
  weight: usize;
  panels: usize;
  bias: usize;

  // Of comparators: min(a, b) of units a at `low` and b at `high` goes to `low`, max(a, b) to `high`; 32-bit numbers, [comparators].
  low: usize;
  high: usize;

  // On the box: bounds of the units and the largest absolute values that they allow, [width].
  lower: usize;
  upper: usize;
  magnitude: usize;
  magnitudeSum: f64;

  /**
   * What bounds on rounding errors multiply a row with: of a dense layer Σ_j |W_kj|·|unit j| + |b_k| at most, [width of the next level], of
   * comparators what |A_low| + |A_high| is multiplied by, [comparators].
   */
  reach: usize;

  // Lines around relu(t), t = a − b: α·t ≤ relu(t) ≤ p·t + o for t in [l, u] with l < 0 < u, any α in [0, 1], p = u/(u − l)
  // and o = −p·l (Zhang et al. 2018). All [comparators].
  /** Comparators with a ≥ b on the whole box; 32-bit numbers. */
  swapped: usize;
  swappedCount: i32;
  /** Those of either order: only there lines are needed. With a ≤ b on the whole box, there is nothing to do. */
  open: usize;
  openCount: i32;
  /** p and o, rounded up so that the line stays above. */
  upperSlope: usize;
  upperOffset: usize;
  /** α, chosen so that the area between the lines is least: 1 where u > −l, else 0. */
  lowerSlope: usize;

  // Of a search for better α.
  slopes: usize;
  /** A_high − A_low of the row that was led back last. */
  kinks: usize;
}

@unmanaged
export class Head {
  count: i32;
  /** Units of the widest level. */
  widest: i32;
  /** Comparators of the largest stage. */
  mostComparators: i32;
}

export function stepAt(head: Head, index: i32): Step {
  return changetype<Step>(changetype<usize>(head) + offsetof<Head>() + <usize>index * offsetof<Step>());
}

/** A head of so many steps, which are to be told in order, and then the level of its logits. */
export function newHead(steps: i32): Head {
  const head = changetype<Head>(reserve(offsetof<Head>() + <usize>(steps + 1) * offsetof<Step>()));
  head.count = steps;
  head.widest = 0;
  head.mostComparators = 0;
  return head;
}

/** @param outputs of the layer; its weights [outputs, inputs], their panels and the bias stay where they are */
export function denseStep(
  head: Head,
  index: i32,
  inputs: i32,
  outputs: i32,
  weight: usize,
  panels: usize,
  bias: usize,
): void {
  const step = newLevel(head, index, inputs);
  step.comparators = 0;
  step.weight = weight;
  step.panels = panels;
  step.bias = bias;
  step.reach = reserve(bytes(outputs));
}

/** @param low of each comparator, as `high` 32-bit numbers; they stay where they are */
export function compareStep(head: Head, index: i32, width: i32, comparators: i32, low: usize, high: usize): void {
  const step = newLevel(head, index, width);
  step.comparators = comparators;
  step.low = low;
  step.high = high;
  step.reach = reserve(bytes(comparators));
  step.swapped = reserve(WORD * comparators);
  step.open = reserve(WORD * comparators);
  step.upperSlope = reserve(bytes(comparators));
  step.upperOffset = reserve(bytes(comparators));
  step.lowerSlope = reserve(bytes(comparators));
  step.slopes = reserve(bytes(comparators));
  step.kinks = reserve(bytes(comparators));
  head.mostComparators = max(head.mostComparators, comparators);
}

/** The level of the logits, which is the last one. */
export function lastLevel(head: Head, classes: i32): void {
  newLevel(head, head.count, classes);
}

function newLevel(head: Head, index: i32, width: i32): Step {
  const step = stepAt(head, index);
  step.width = width;
  step.lower = reserve(bytes(width));
  step.upper = reserve(bytes(width));
  step.magnitude = reserve(bytes(width));
  head.widest = max(head.widest, width);
  return step;
}

/** Where bounds of z belong, [D]: lower ones, and upper ones. */
export function lowerOf(head: Head): usize {
  return stepAt(head, 0).lower;
}

export function upperOf(head: Head): usize {
  return stepAt(head, 0).upper;
}
