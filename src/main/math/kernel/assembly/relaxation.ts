// Bounds of every unit and lines around every comparator of a head, over a box.
import { stepAt, Head, Step } from './head';
import { compareInterval, denseInterval } from './intervals';
import { bytes, DOUBLE, release, reserve, WORD } from './memory';
import { roundedDown, roundedUp } from './rounding';
import { differencesBack, moveRow, stepBack, Rows } from './rows';

/**
 * From the bounds of level 0. What the lines are drawn from, the difference t of the two units, is bounded itself: by the two units'
 * intervals, by their merged interval in the layer before, and by linear bounds down to every layer and to the box; the best of all of
 * these holds.
 * @param rows has room for `mostComparators` rows
 */
export function relax(head: Head, rows: Rows): void {
  const lower = reserve(bytes(head.mostComparators));
  const upper = reserve(bytes(head.mostComparators));
  for (let at = 0; at < head.count; at++) {
    const step = stepAt(head, at);
    setMagnitude(step);
    if (step.comparators === 0) {
      denseInterval(step, stepAt(head, at + 1));
    } else {
      boundDifferences(head, at, rows, lower, upper);
      drawLines(step, lower, upper);
      compareInterval(step, stepAt(head, at + 1));
    }
  }
  release(lower);
}

function setMagnitude(step: Step): void {
  let sum: f64 = 0;
  for (let i: usize = 0; i < bytes(step.width); i += DOUBLE) {
    const magnitude = max(abs(load<f64>(step.lower + i)), abs(load<f64>(step.upper + i)));
    store<f64>(step.magnitude + i, magnitude);
    sum += magnitude;
  }
  step.magnitudeSum = sum;
}

/** Whether neither order of the two units is sure. */
function isOpen(lower: usize, upper: usize, q: i32): bool {
  return !(load<f64>(lower + bytes(q)) >= 0 || load<f64>(upper + bytes(q)) <= 0);
}

/**
 * Bounds of t = a − b of each comparator of step `at`, [comparators]. Where the order is settled, lines are exact and better bounds would change
 * nothing: the sign that t is likelier to have is tried first, and the other one only where both are possible.
 */
function boundDifferences(head: Head, at: i32, rows: Rows, lower: usize, upper: usize): void {
  const step = stepAt(head, at);
  const isUpFirst = reserve(step.comparators);
  for (let q = 0; q < step.comparators; q++) {
    const a = bytes(load<i32>(step.low + WORD * q));
    const b = bytes(load<i32>(step.high + WORD * q));
    const least = roundedDown(load<f64>(step.lower + a) - load<f64>(step.upper + b), 1);
    const most = roundedUp(load<f64>(step.upper + a) - load<f64>(step.lower + b), 1);
    store<f64>(lower + bytes(q), least);
    store<f64>(upper + bytes(q), most);
    store<u8>(isUpFirst + q, least + most > 0 ? 1 : 0);
  }
  tighten(head, at, rows, lower, upper, isUpFirst, 1);
  tighten(head, at, rows, lower, upper, isUpFirst, 0);
  release(isUpFirst);
}

/** By linear bounds of t where `isUp` is `up`, else of −t. */
function tighten(head: Head, at: i32, rows: Rows, lower: usize, upper: usize, isUp: usize, up: u8): void {
  const step = stepAt(head, at);
  const which = reserve(WORD * step.comparators);
  const pairs = reserve(2 * WORD * step.comparators);
  let count = 0;
  for (let q = 0; q < step.comparators; q++) {
    if (!isOpen(lower, upper, q)) continue;
    const low = load<i32>(step.low + WORD * q);
    const high = load<i32>(step.high + WORD * q);
    const ofLower = load<u8>(isUp + q) === up;
    store<i32>(which + WORD * count, q);
    store<i32>(pairs + 2 * WORD * count, ofLower ? low : high);
    store<i32>(pairs + 2 * WORD * count, ofLower ? high : low, WORD);
    count++;
  }
  if (count > 0) differencesBack(head, rows, at, pairs, count);
  while (count > 0) {
    if (rows.isBounded) {
      const width = stepAt(head, rows.level).width;
      count = 0;
      for (let row = 0; row < rows.count; row++) {
        const q = load<i32>(which + WORD * row);
        const least = load<f64>(rows.least + bytes(row));
        const ofLower = load<u8>(isUp + q) === up;
        const bound = (ofLower ? lower : upper) + bytes(q);
        store<f64>(bound, ofLower ? max(load<f64>(bound), least) : min(load<f64>(bound), -least));
        if (!isOpen(lower, upper, q)) continue;
        moveRow(rows, row, count, width);
        store<i32>(which + WORD * count++, q);
      }
      rows.count = count;
    }
    if (rows.level === 0) break;
    stepBack(head, rows, false);
  }
  release(which);
}

function drawLines(step: Step, lower: usize, upper: usize): void {
  step.swappedCount = 0;
  step.openCount = 0;
  for (let q = 0; q < step.comparators; q++) {
    const l = load<f64>(lower + bytes(q));
    const u = load<f64>(upper + bytes(q));
    if (l >= 0) store<i32>(step.swapped + WORD * step.swappedCount++, q);
    if (!isOpen(lower, upper, q)) continue;
    store<i32>(step.open + WORD * step.openCount++, q);
    // A sum and a quotient; at t = l the line is ≥ 0 and at t = u it is ≥ u, hence above relu, which is convex, between.
    const slope = roundedUp(u / (u - l), 3);
    store<f64>(step.upperSlope + bytes(q), slope);
    store<f64>(step.upperOffset + bytes(q), roundedUp(slope * -l, 1));
    store<f64>(step.lowerSlope + bytes(q), u > -l ? 1 : 0);
    const a = load<f64>(step.magnitude + bytes(load<i32>(step.low + WORD * q)));
    const b = load<f64>(step.magnitude + bytes(load<i32>(step.high + WORD * q)));
    store<f64>(step.reach + bytes(q), 3 * (a + b));
  }
}
