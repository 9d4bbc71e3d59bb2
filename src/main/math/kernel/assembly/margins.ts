// Lower bounds of the margins h_c − h_j over the box of a head's level 0, METHOD.md §4, rounded down.
import { stepAt, Head } from './head';
import { propagate } from './intervals';
import { bytes, DOUBLE, release, reserve, WORD } from './memory';
import { relax } from './relaxation';
import { sumError } from './rounding';
import { differencesBack, newRows, stepBack, Rows } from './rows';
import { ascendSlopes } from './slopeAscent';
import { differences, leastOverBox } from './sums';

/** By interval propagation through all layers but the last, which is merged as W_c − W_j. @param margins [K], +Infinity at c */
export function intervalMargins(head: Head, c: i32, margins: usize): void {
  propagate(head);
  const pairs = pairsOf(head, c);
  mergedMargins(head, c, pairs, margins);
  release(pairs);
}

/**
 * By back-substitution and, where that is better, by interval propagation. Where lines of least area leave a margin negative, slopes of its own are looked for: of
 * every such margin, or, worst first, until one stays negative.
 * @param ofAll 0 for the latter
 * @param margins [K], +Infinity at c
 * @param slopes of the line below each margin at level 0, in the order of the other classes, [K − 1, D]; 0 where nobody asks
 * @returns whether all margins are positive
 */
export function linearMargins(head: Head, c: i32, ofAll: i32, margins: usize, slopes: usize): bool {
  const rivals = stepAt(head, head.count).width - 1;
  const pairs = pairsOf(head, c);
  const best = reserve(bytes(rivals));
  const rows = newRows(head, max(rivals, head.mostComparators));
  relax(head, rows);
  mergedMargins(head, c, pairs, margins);
  leadBack(head, rows, pairs, rivals, best);
  if (slopes !== 0) memory.copy(slopes, rows.coefficients, bytes(rivals * stepAt(head, 0).width));
  for (let i = 0; i < rivals; i++) raise(margins, rivalOf(pairs, i), load<f64>(best + bytes(i)));
  const arePositive = improve(head, rows, pairs, rivals, best, margins, ofAll !== 0);
  release(pairs);
  return arePositive;
}

/** [K − 1, 2], 32-bit numbers: c and each other class. */
function pairsOf(head: Head, c: i32): usize {
  const classes = stepAt(head, head.count).width;
  const pairs = reserve(2 * WORD * classes);
  for (let j = 0, i = 0; j < classes; j++) {
    if (j === c) continue;
    store<i32>(pairs + 2 * WORD * i, c);
    store<i32>(pairs + 2 * WORD * i, j, WORD);
    i++;
  }
  return pairs;
}

function rivalOf(pairs: usize, i: i32): i32 {
  return load<i32>(pairs + 2 * WORD * i, WORD);
}

/** Least value of (W_c − W_j)·z + b_c − b_j of the last layer over the box before it. */
function mergedMargins(head: Head, c: i32, pairs: usize, margins: usize): void {
  const step = stepAt(head, head.count - 1);
  const rivals = stepAt(head, head.count).width - 1;
  const rows = reserve(bytes(rivals * step.width));
  const least = reserve(bytes(rivals));
  const absolutes = reserve(bytes(rivals));
  differences(step.weight, step.width, pairs, rivals, rows);
  leastOverBox(rows, rivals, step.width, step.lower, step.upper, least, absolutes);
  store<f64>(margins + bytes(c), Infinity);
  for (let i = 0; i < rivals; i++) {
    const j = rivalOf(pairs, i);
    const offset = load<f64>(step.bias + bytes(c)) - load<f64>(step.bias + bytes(j));
    // Two roundings in each term: the difference of the weights, which may not fit a double, and the product.
    const slack = sumError(step.width + 2, abs(offset) + load<f64>(absolutes + bytes(i)));
    store<f64>(margins + bytes(j), offset + load<f64>(least + bytes(i)) - slack);
  }
  release(rows);
}

/** @param best bound of each at any level */
function leadBack(head: Head, rows: Rows, pairs: usize, rivals: i32, best: usize): void {
  for (let i = 0; i < rivals; i++) store<f64>(best + bytes(i), -Infinity);
  differencesBack(head, rows, head.count, pairs, rivals);
  for (;;) {
    for (let i: usize = 0; rows.isBounded && i < bytes(rivals); i += DOUBLE) {
      const least = load<f64>(rows.least + i);
      if (least > load<f64>(best + i)) store<f64>(best + i, least);
    }
    if (rows.level === 0) return;
    stepBack(head, rows, false);
  }
}

/** A NaN compares as false, and overflow gives one, since the slack is infinite then: neither helps a margin. */
function raise(margins: usize, j: i32, bound: f64): void {
  if (bound > load<f64>(margins + bytes(j))) store<f64>(margins + bytes(j), bound);
}

function improve(head: Head, rows: Rows, pairs: usize, rivals: i32, best: usize, margins: usize, ofAll: bool): bool {
  const order = worstFirst(pairs, rivals, margins);
  let arePositive = true;
  for (let place = 0; place < rivals && (ofAll || arePositive); place++) {
    const i = load<i32>(order + WORD * place);
    const j = rivalOf(pairs, i);
    if (!(load<f64>(best + bytes(i)) > 0)) raise(margins, j, ascendSlopes(head, rows, pairs + 2 * WORD * i));
    arePositive = arePositive && load<f64>(margins + bytes(j)) > 0;
  }
  release(order);
  return arePositive;
}

/** Places of the pairs by their margins, ascending: few enough to be put in one by one. */
function worstFirst(pairs: usize, rivals: i32, margins: usize): usize {
  const order = reserve(WORD * rivals);
  for (let i = 0; i < rivals; i++) {
    const margin = load<f64>(margins + bytes(rivalOf(pairs, i)));
    let place = i;
    for (; place > 0; place--) {
      const before = load<i32>(order + WORD * (place - 1));
      if (!(load<f64>(margins + bytes(rivalOf(pairs, before))) > margin)) break;
      store<i32>(order + WORD * place, before);
    }
    store<i32>(order + WORD * place, i);
  }
  return order;
}
