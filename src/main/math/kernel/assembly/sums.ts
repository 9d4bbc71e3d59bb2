// Sums of products, in 128-bit vectors of two doubles.
import { bytes, DOUBLE, PAIR, WORD } from './memory';

/** Columns of a panel: four of a matrix's columns, row by row, so that a product reads memory in order. */
const PANEL: i32 = 4;

function both(pair: v128): f64 {
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
}

/** Doubles that a matrix takes in panels. */
export function panelsOf(rows: i32, columns: i32): i32 {
  return rows * PANEL * ((columns + PANEL - 1) / PANEL);
}

/** A matrix [rows, columns] in panels; the last one is filled up with zeros. */
export function pack(matrix: usize, rows: i32, columns: i32, packed: usize): void {
  let to = packed;
  for (let first = 0; first < columns; first += PANEL) {
    for (let row = 0; row < rows; row++) {
      const from = matrix + bytes(row * columns + first);
      for (let i = 0; i < PANEL; i++, to += DOUBLE) {
        store<f64>(to, first + i < columns ? load<f64>(from + bytes(i)) : 0);
      }
    }
  }
}

/** result [count, columns] = rows [count, inner] · matrix [inner, columns], the matrix in panels. */
export function product(rows: usize, count: i32, inner: i32, packed: usize, columns: i32, result: usize): void {
  const fours = count & ~3;
  const panelBytes = bytes(inner * PANEL);
  let panel = packed;
  for (let column = 0; column < columns; column += PANEL, panel += panelBytes) {
    const kept = min(PANEL, columns - column);
    for (let row = 0; row < fours; row += 4) {
      fourRows(rows + bytes(row * inner), inner, panel, result + bytes(row * columns + column), columns, kept);
    }
  }
  for (let row = fours; row < count; row++)
    oneRow(rows + bytes(row * inner), inner, packed, columns, result + bytes(row * columns));
}

/** Four rows times a panel: all sums are in registers. */
function fourRows(rows: usize, inner: i32, panel: usize, result: usize, columns: i32, kept: i32): void {
  const stride = bytes(inner);
  let a = rows;
  let b = a + stride;
  let c = b + stride;
  let d = c + stride;
  const end = b;
  let a0 = f64x2.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  for (let w = panel; a < end; w += 2 * PAIR) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, PAIR);
    const ofA = v128.load64_splat(a);
    a0 = f64x2.add(a0, f64x2.mul(ofA, w0));
    a1 = f64x2.add(a1, f64x2.mul(ofA, w1));
    const ofB = v128.load64_splat(b);
    b0 = f64x2.add(b0, f64x2.mul(ofB, w0));
    b1 = f64x2.add(b1, f64x2.mul(ofB, w1));
    const ofC = v128.load64_splat(c);
    c0 = f64x2.add(c0, f64x2.mul(ofC, w0));
    c1 = f64x2.add(c1, f64x2.mul(ofC, w1));
    const ofD = v128.load64_splat(d);
    d0 = f64x2.add(d0, f64x2.mul(ofD, w0));
    d1 = f64x2.add(d1, f64x2.mul(ofD, w1));
    a += DOUBLE;
    b += DOUBLE;
    c += DOUBLE;
    d += DOUBLE;
  }
  const next = bytes(columns);
  keep(result, a0, a1, kept);
  keep(result + next, b0, b1, kept);
  keep(result + 2 * next, c0, c1, kept);
  keep(result + 3 * next, d0, d1, kept);
}

/** One row times all panels, four of them at a time, so that no sum waits for itself. */
function oneRow(row: usize, inner: i32, packed: usize, columns: i32, result: usize): void {
  const panelBytes = bytes(inner * PANEL);
  const end = row + bytes(inner);
  let panel = packed;
  let to = result;
  let left = columns;
  for (; left > 3 * PANEL; left -= 4 * PANEL, panel += 4 * panelBytes, to += bytes(4 * PANEL)) {
    let a0 = f64x2.splat(0);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let c0 = a0;
    let c1 = a0;
    let d0 = a0;
    let d1 = a0;
    let a = panel;
    let b = a + panelBytes;
    let c = b + panelBytes;
    let d = c + panelBytes;
    for (let x = row; x < end; x += DOUBLE) {
      const factor = v128.load64_splat(x);
      a0 = f64x2.add(a0, f64x2.mul(factor, v128.load(a)));
      a1 = f64x2.add(a1, f64x2.mul(factor, v128.load(a, PAIR)));
      b0 = f64x2.add(b0, f64x2.mul(factor, v128.load(b)));
      b1 = f64x2.add(b1, f64x2.mul(factor, v128.load(b, PAIR)));
      c0 = f64x2.add(c0, f64x2.mul(factor, v128.load(c)));
      c1 = f64x2.add(c1, f64x2.mul(factor, v128.load(c, PAIR)));
      d0 = f64x2.add(d0, f64x2.mul(factor, v128.load(d)));
      d1 = f64x2.add(d1, f64x2.mul(factor, v128.load(d, PAIR)));
      a += 2 * PAIR;
      b += 2 * PAIR;
      c += 2 * PAIR;
      d += 2 * PAIR;
    }
    keep(to, a0, a1, PANEL);
    keep(to + 2 * PAIR, b0, b1, PANEL);
    keep(to + 4 * PAIR, c0, c1, PANEL);
    keep(to + 6 * PAIR, d0, d1, min(PANEL, left - 3 * PANEL));
  }
  for (; left > 0; left -= PANEL, panel += panelBytes, to += bytes(PANEL)) {
    let s0 = f64x2.splat(0);
    let s1 = s0;
    let w = panel;
    for (let x = row; x < end; x += DOUBLE, w += 2 * PAIR) {
      const factor = v128.load64_splat(x);
      s0 = f64x2.add(s0, f64x2.mul(factor, v128.load(w)));
      s1 = f64x2.add(s1, f64x2.mul(factor, v128.load(w, PAIR)));
    }
    keep(to, s0, s1, min(PANEL, left));
  }
}

/**
 * result [count, columns]: of each pair of rows of a matrix [rows, columns] the first less the second. Pairs are [count, 2], 32-bit row numbers.
 */
export function differences(matrix: usize, columns: i32, pairs: usize, count: i32, result: usize): void {
  const vectors = bytes(columns & ~1);
  for (let row = 0; row < count; row++) {
    const a = matrix + bytes(load<i32>(pairs + 2 * WORD * row) * columns);
    const b = matrix + bytes(load<i32>(pairs + 2 * WORD * row, WORD) * columns);
    const to = result + bytes(row * columns);
    let x: usize = 0;
    for (; x < vectors; x += PAIR) v128.store(to + x, f64x2.sub(v128.load(a + x), v128.load(b + x)));
    if (columns & 1) store<f64>(to + x, load<f64>(a + x) - load<f64>(b + x));
  }
}

/** The first so many of four values. */
function keep(to: usize, first: v128, second: v128, kept: i32): void {
  if (kept === PANEL) {
    v128.store(to, first);
    v128.store(to, second, PAIR);
    return;
  }
  store<f64>(to, f64x2.extract_lane(first, 0));
  if (kept > 1) store<f64>(to + DOUBLE, f64x2.extract_lane(first, 1));
  if (kept > 2) store<f64>(to + PAIR, f64x2.extract_lane(second, 0));
}

/** result [rows]: a matrix [rows, columns] times a vector [columns]. */
export function timesVector(matrix: usize, rows: i32, columns: i32, vector: usize, result: usize): void {
  const pairs = bytes(columns & ~1);
  const stride = bytes(columns);
  let at = matrix;
  for (let row = 0; row < rows; row++, at += stride) {
    let s0 = f64x2.splat(0);
    let s1 = s0;
    let x: usize = 0;
    for (; x + PAIR < pairs; x += 2 * PAIR) {
      s0 = f64x2.add(s0, f64x2.mul(v128.load(at + x), v128.load(vector + x)));
      s1 = f64x2.add(s1, f64x2.mul(v128.load(at + x, PAIR), v128.load(vector + x, PAIR)));
    }
    if (x < pairs) s0 = f64x2.add(s0, f64x2.mul(v128.load(at + x), v128.load(vector + x)));
    let sum = both(f64x2.add(s0, s1));
    if (columns & 1) sum += load<f64>(at + pairs) * load<f64>(vector + pairs);
    store<f64>(result + bytes(row), sum);
  }
}

/** products [count]: Σ row·factors; absolutes [count]: Σ |row|·reaches. Rows are [count, width], the vectors [width]. */
export function weightedSums(
  rows: usize,
  count: i32,
  width: i32,
  factors: usize,
  reaches: usize,
  products: usize,
  absolutes: usize,
): void {
  const pairs = bytes(width & ~1);
  for (let row = 0; row < count; row++) {
    const at = rows + bytes(row * width);
    let s0 = f64x2.splat(0);
    let s1 = s0;
    let x: usize = 0;
    for (; x < pairs; x += PAIR) {
      const value = v128.load(at + x);
      s0 = f64x2.add(s0, f64x2.mul(value, v128.load(factors + x)));
      s1 = f64x2.add(s1, f64x2.mul(f64x2.abs(value), v128.load(reaches + x)));
    }
    let sum = both(s0);
    let absolute = both(s1);
    if (width & 1) {
      const value = load<f64>(at + x);
      sum += value * load<f64>(factors + x);
      absolute += abs(value) * load<f64>(reaches + x);
    }
    store<f64>(products + bytes(row), sum);
    store<f64>(absolutes + bytes(row), absolute);
  }
}

/** Least value of rows·z over the box, and the sum of its terms' absolute values, both [count]. Rows are [count, width], the bounds [width]. */
export function leastOverBox(
  rows: usize,
  count: i32,
  width: i32,
  lower: usize,
  upper: usize,
  least: usize,
  absolutes: usize,
): void {
  const pairs = bytes(width & ~1);
  const zero = f64x2.splat(0);
  for (let row = 0; row < count; row++) {
    const at = rows + bytes(row * width);
    let s0 = zero;
    let s1 = zero;
    let x: usize = 0;
    for (; x < pairs; x += PAIR) {
      const factor = v128.load(at + x);
      const bound = v128.bitselect(v128.load(upper + x), v128.load(lower + x), f64x2.lt(factor, zero));
      const term = f64x2.mul(factor, bound);
      s0 = f64x2.add(s0, term);
      s1 = f64x2.add(s1, f64x2.abs(term));
    }
    let sum = both(s0);
    let absolute = both(s1);
    if (width & 1) {
      const factor = load<f64>(at + x);
      const term = factor * load<f64>((factor < 0 ? upper : lower) + x);
      sum += term;
      absolute += abs(term);
    }
    store<f64>(least + bytes(row), sum);
    store<f64>(absolutes + bytes(row), absolute);
  }
}

/**
 * Of a matrix [rows, columns] and a box by its centre and half-widths, [columns], all [rows]: matrix·centre, the sum of its terms' absolute values, and
 * |matrix|·halfWidths.
 */
export function intervalSums(
  matrix: usize,
  rows: i32,
  columns: i32,
  centre: usize,
  halfWidths: usize,
  middles: usize,
  absolutes: usize,
  reaches: usize,
): void {
  const pairs = bytes(columns & ~1);
  for (let row = 0; row < rows; row++) {
    const at = matrix + bytes(row * columns);
    let s0 = f64x2.splat(0);
    let s1 = s0;
    let s2 = s0;
    let x: usize = 0;
    for (; x < pairs; x += PAIR) {
      const weight = v128.load(at + x);
      const term = f64x2.mul(weight, v128.load(centre + x));
      s0 = f64x2.add(s0, term);
      s1 = f64x2.add(s1, f64x2.abs(term));
      s2 = f64x2.add(s2, f64x2.mul(f64x2.abs(weight), v128.load(halfWidths + x)));
    }
    let middle = both(s0);
    let absolute = both(s1);
    let reach = both(s2);
    if (columns & 1) {
      const weight = load<f64>(at + x);
      const term = weight * load<f64>(centre + x);
      middle += term;
      absolute += abs(term);
      reach += abs(weight) * load<f64>(halfWidths + x);
    }
    store<f64>(middles + bytes(row), middle);
    store<f64>(absolutes + bytes(row), absolute);
    store<f64>(reaches + bytes(row), reach);
  }
}
