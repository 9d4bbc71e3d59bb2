// Back-substitution (CROWN, Zhang et al. 2018): affine functions of a level's units, led back level by level.
import { stepAt, Head, Step } from './head';
import { bytes, DOUBLE, reserve, WORD } from './memory';
import { sumError } from './rounding';
import { differences, leastOverBox, product, weightedSums } from './sums';

/**
 * Affine functions of a level's units, each below a quantity that is to be bounded: for every z of the box,
 * quantity(z) ≥ A·units(z) + constant − (rounding errors of at most γ·magnitude).
 */
@unmanaged
export class Rows {
  count: i32;
  level: i32;
  /** A, [count, width of the level]; `spare` is as large. */
  coefficients: usize;
  spare: usize;
  /** [count] each, as all that follows. */
  constant: usize;
  /** Sum of the absolute values of all that was added up on the way, each times the units it multiplies. */
  magnitude: usize;
  /** The least value over the level's box, rounded down; of no meaning at a level before comparators. */
  least: usize;
  isBounded: bool;
  leastTerms: usize;
  leastAbsolutes: usize;
  products: usize;
  absolutes: usize;
}

/** Room for so many rows of any level. */
export function newRows(head: Head, most: i32): Rows {
  const rows = changetype<Rows>(reserve(offsetof<Rows>()));
  rows.coefficients = reserve(bytes(most * head.widest));
  rows.spare = reserve(bytes(most * head.widest));
  rows.constant = reserve(bytes(most));
  rows.magnitude = reserve(bytes(most));
  rows.least = reserve(bytes(most));
  rows.leastTerms = reserve(bytes(most));
  rows.leastAbsolutes = reserve(bytes(most));
  rows.products = reserve(bytes(most));
  rows.absolutes = reserve(bytes(most));
  return rows;
}

/**
 * A row for each difference of two units of a level, in the units of the level before.
 * @param pairs [count, 2], 32-bit numbers of units: the one and the other that is taken from it
 */
export function differencesBack(head: Head, rows: Rows, level: i32, pairs: usize, count: i32): void {
  const step = stepAt(head, level - 1);
  rows.count = count;
  rows.level = level;
  memory.fill(rows.constant, 0, bytes(count));
  memory.fill(rows.magnitude, 0, bytes(count));
  if (step.comparators > 0) {
    const width = step.width;
    memory.fill(rows.coefficients, 0, bytes(count * width));
    for (let row = 0; row < count; row++) {
      const at = rows.coefficients + bytes(row * width);
      store<f64>(at + bytes(plusOf(pairs, row)), 1);
      store<f64>(at + bytes(minusOf(pairs, row)), -1);
    }
    stepBack(head, rows, false);
    return;
  }
  differences(step.weight, step.width, pairs, count, rows.spare);
  for (let row = 0; row < count; row++) {
    const plus = bytes(plusOf(pairs, row));
    const minus = bytes(minusOf(pairs, row));
    store<f64>(rows.products + bytes(row), load<f64>(step.bias + plus) - load<f64>(step.bias + minus));
    store<f64>(rows.absolutes + bytes(row), load<f64>(step.reach + plus) + load<f64>(step.reach + minus));
  }
  throughDense(head, step, rows);
}

function plusOf(pairs: usize, row: i32): i32 {
  return load<i32>(pairs + 2 * WORD * row);
}

function minusOf(pairs: usize, row: i32): i32 {
  return load<i32>(pairs + 2 * WORD * row, WORD);
}

/** The same rows in the units of the level before. @param withOwnSlopes by α of `slopes`, else by those of least area */
export function stepBack(head: Head, rows: Rows, withOwnSlopes: bool): void {
  const step = stepAt(head, rows.level - 1);
  if (step.comparators > 0) {
    throughComparators(step, rows, withOwnSlopes ? step.slopes : step.lowerSlope);
    return;
  }
  const outputs = stepAt(head, rows.level).width;
  weightedSums(rows.coefficients, rows.count, outputs, step.bias, step.reach, rows.products, rows.absolutes);
  product(rows.coefficients, rows.count, outputs, step.panels, step.width, rows.spare);
  throughDense(head, step, rows);
}

/** A multiple of the smallest double that no other rounding reaches, 2^-900. */
const SMALLEST: f64 = 1.1830521861667747e-271;

/**
 * From the products with the layer in `spare`, those with the bias and the sums of |A|·reach: the rows, with the least value of each over the box before
 * the layer, rounded down. With γ_m of Higham 2002, §3.1: a sum of m products, in whatever order, is wrong by at most γ_m·Σ|products|. Through a
 * layer a coefficient errs by γ·Σ_k |A_k·W_kj|, which the unit j multiplies by its magnitude: γ·Σ_k |A_k|·reach_k in all,
 * constant included. Through a comparator, slopes being at most 1 but for rounding, three roundings in each of two coefficients cost at
 * most 3·(|A_low| + |A_high|) times twice the two units' magnitudes, and the offset as much again at most in its sum. `magnitude` is the
 * sum of all of these, and m is the width of the widest level with what one term itself is rounded.
 */
function throughDense(head: Head, step: Step, rows: Rows): void {
  leastOverBox(rows.spare, rows.count, step.width, step.lower, step.upper, rows.leastTerms, rows.leastAbsolutes);
  // Coefficients below the smallest double are lost.
  const lost = SMALLEST * step.magnitudeSum;
  for (let row: usize = 0; row < bytes(rows.count); row += DOUBLE) {
    const before = load<f64>(rows.constant + row);
    const constant = before + load<f64>(rows.products + row);
    const magnitude = load<f64>(rows.magnitude + row) + (abs(before) + lost + load<f64>(rows.absolutes + row));
    const absolute = magnitude + abs(constant) + load<f64>(rows.leastAbsolutes + row);
    store<f64>(rows.constant + row, constant);
    store<f64>(rows.magnitude + row, magnitude);
    const least = constant + load<f64>(rows.leastTerms + row) - sumError(head.widest + 8, absolute);
    store<f64>(rows.least + row, least);
  }
  const done = rows.coefficients;
  rows.coefficients = rows.spare;
  rows.spare = done;
  rows.isBounded = true;
  rows.level -= 1;
}

/**
 * A_low·min(a, b) + A_high·max(a, b) = A_low·a + A_high·b + κ·relu(a − b), κ = A_high − A_low; below it, for κ ≥ 0, with
 * α·t for relu(t), and else with p·t + o.
 */
function throughComparators(step: Step, rows: Rows, lowerSlope: usize): void {
  for (let row = 0; row < rows.count; row++) {
    const at = rows.coefficients + bytes(row * step.width);
    for (let i = 0; i < step.swappedCount; i++) {
      const q = WORD * load<i32>(step.swapped + WORD * i);
      const a = at + bytes(load<i32>(step.low + q));
      const b = at + bytes(load<i32>(step.high + q));
      const ofLow = load<f64>(a);
      store<f64>(a, load<f64>(b));
      store<f64>(b, ofLow);
    }
    let sum = load<f64>(rows.constant + bytes(row));
    let absolute = abs(sum);
    for (let i = 0; i < step.openCount; i++) {
      const number = load<i32>(step.open + WORD * i);
      const q = bytes(number);
      const a = at + bytes(load<i32>(step.low + WORD * number));
      const b = at + bytes(load<i32>(step.high + WORD * number));
      const ofLow = load<f64>(a);
      const ofHigh = load<f64>(b);
      const kink = ofHigh - ofLow;
      const moved = kink * load<f64>((kink >= 0 ? lowerSlope : step.upperSlope) + q);
      if (kink < 0) sum += kink * load<f64>(step.upperOffset + q);
      store<f64>(a, ofLow + moved);
      store<f64>(b, ofHigh - moved);
      absolute += (abs(ofLow) + abs(ofHigh)) * load<f64>(step.reach + q);
    }
    store<f64>(rows.constant + bytes(row), sum);
    store<f64>(rows.magnitude + bytes(row), load<f64>(rows.magnitude + bytes(row)) + absolute);
  }
  rows.isBounded = false;
  rows.level -= 1;
}

/** Row `to` becomes what row `from` is, which is not before it. */
export function moveRow(rows: Rows, from: i32, to: i32, width: i32): void {
  if (from === to) return;
  memory.copy(rows.coefficients + bytes(to * width), rows.coefficients + bytes(from * width), bytes(width));
  store<f64>(rows.constant + bytes(to), load<f64>(rows.constant + bytes(from)));
  store<f64>(rows.magnitude + bytes(to), load<f64>(rows.magnitude + bytes(from)));
}
