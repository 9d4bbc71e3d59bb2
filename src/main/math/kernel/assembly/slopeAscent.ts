// A search for slopes α of a margin's own.
import { stepAt, Head, Step } from './head';
import { bytes, DOUBLE, release, reserve, WORD } from './memory';
import { differencesBack, stepBack, Rows } from './rows';
import { timesVector } from './sums';

/** Each step moves half as far as the one before, the first one by 1/2: from 0 or 1 any slope can be reached. */
const STEPS: i32 = 4;

/**
 * Looks for slopes under which a margin's bound is positive: every α in [0, 1] is sound, so the best bound found counts. Ascends by the
 * sign of the derivative (Xu et al. 2021 optimise the same slopes with Adam).
 * @param pair of two classes, as differencesBack has it
 * @param row has room for one
 * @returns the largest bound found; the search ends with the first that is positive, or that is no number
 */
export function ascendSlopes(head: Head, row: Rows, pair: usize): f64 {
  for (let at = 0; at < head.count; at++) {
    const step = stepAt(head, at);
    if (step.comparators > 0) memory.copy(step.slopes, step.lowerSlope, bytes(step.comparators));
  }
  let best = -f64.POSITIVE_INFINITY;
  let move: f64 = 1;
  for (let step = 0; step <= STEPS; step++, move /= 2) {
    if (step > 0) moveSlopes(head, row, move);
    traceBack(head, row, pair);
    best = max(best, load<f64>(row.least));
    // A NaN stays one: no slope repairs it.
    if (!(best <= 0)) break;
  }
  return best;
}

/** To level 0, with the kinks of all comparators on the way. */
function traceBack(head: Head, row: Rows, pair: usize): void {
  differencesBack(head, row, head.count, pair, 1);
  while (row.level > 0) {
    const step = stepAt(head, row.level - 1);
    for (let q = 0; q < step.comparators; q++) {
      const ofLow = load<f64>(row.coefficients + bytes(load<i32>(step.low + WORD * q)));
      const ofHigh = load<f64>(row.coefficients + bytes(load<i32>(step.high + WORD * q)));
      store<f64>(step.kinks + bytes(q), ofHigh - ofLow);
    }
    stepBack(head, row, true);
  }
}

/**
 * By the sign of d(bound)/dα, which is κ·t where the lower line is in use, with t the value that the row's own lines give at the corner
 * in which the bound is attained.
 */
function moveSlopes(head: Head, row: Rows, move: f64): void {
  let units = reserve(bytes(head.widest));
  let after = reserve(bytes(head.widest));
  const from = units;
  const box = stepAt(head, 0);
  for (let i: usize = 0; i < bytes(box.width); i += DOUBLE) {
    store<f64>(units + i, load<f64>((load<f64>(row.coefficients + i) < 0 ? box.upper : box.lower) + i));
  }
  // Behind the last layer there are no comparators.
  for (let at = 0; at < head.count - 1; at++) {
    const step = stepAt(head, at);
    if (step.comparators > 0) {
      moveSlopesOf(step, units, move);
      continue;
    }
    const outputs = stepAt(head, at + 1).width;
    timesVector(step.weight, outputs, step.width, units, after);
    for (let i: usize = 0; i < bytes(outputs); i += DOUBLE) {
      store<f64>(after + i, load<f64>(after + i) + load<f64>(step.bias + i));
    }
    const done = units;
    units = after;
    after = done;
  }
  release(from);
}

/** @param units before the comparators; after them, along the row's lines, when this returns */
function moveSlopesOf(step: Step, units: usize, move: f64): void {
  for (let i = 0; i < step.swappedCount; i++) {
    const q = load<i32>(step.swapped + WORD * i);
    const a = units + bytes(load<i32>(step.low + WORD * q));
    const b = units + bytes(load<i32>(step.high + WORD * q));
    addRelu(a, b, load<f64>(a) - load<f64>(b));
  }
  for (let i = 0; i < step.openCount; i++) {
    const q = load<i32>(step.open + WORD * i);
    const a = units + bytes(load<i32>(step.low + WORD * q));
    const b = units + bytes(load<i32>(step.high + WORD * q));
    const difference = load<f64>(a) - load<f64>(b);
    const kink = load<f64>(step.kinks + bytes(q));
    if (!(kink >= 0)) {
      addRelu(a, b, load<f64>(step.upperSlope + bytes(q)) * difference + load<f64>(step.upperOffset + bytes(q)));
      continue;
    }
    const slope = load<f64>(step.slopes + bytes(q));
    addRelu(a, b, slope * difference);
    const derivative = kink * difference;
    const sign: f64 = derivative > 0 ? 1 : derivative < 0 ? -1 : derivative;
    store<f64>(step.slopes + bytes(q), min(1, max(0, slope + move * sign)));
  }
}

function addRelu(a: usize, b: usize, relu: f64): void {
  store<f64>(a, load<f64>(a) - relu);
  store<f64>(b, load<f64>(b) + relu);
}
