import { propagatedMargins } from './boxPropagation.ts';
import { requireClass, requireHead, type DenseHead } from './head.ts';
import { passThrough, type HeadPass } from './headGradient.ts';
import { linearAnalysisOver } from './linearBounds/linearMargins.ts';
import { philox4x32 } from './philox.ts';

/** A box whose corners are float32 representations, each [D]. */
export interface FloatBox {
  readonly lower: Float32Array;
  readonly upper: Float32Array;
}

/** A point of a box at which a rival wins: no margin can be positive on that box. */
export interface Counterexample {
  /** The class with the largest logit there. */
  readonly rival: number;
  /** Upper bound of h_c − h_rival at the point, rounded up; ≤ 0. */
  readonly marginUpper: number;
  /** [D], inside the box in every coordinate */
  readonly point: Float32Array;
}

export interface FalsificationSearch {
  /** The class that is claimed to win on the whole box. */
  readonly c: number;
  /** Random starts beside the worst corners of the linear bounds. */
  readonly restarts: number;
  /** Most steps from each start. */
  readonly steps: number;
  /** Of the random starts: Philox's. */
  readonly key: ArrayLike<number>;
}

/**
 * A point of the box with another prediction than c (METHOD.md §4, falsification). For one layer the margin to a rival is
 * least in a known corner, so null means that there is none but for rounding. For more it is a search: from the worst corners of the
 * linear bounds and from random points, by the sign of the gradient. Null then means that none was found, or that
 * a sound rule proves that there is none. A tie is none, since rounding leaves its bound above 0.
 */
export function falsify(head: DenseHead, box: FloatBox, search: FalsificationSearch): Counterexample | null {
  requireHead('falsification', head);
  requireClass('falsification', head, search.c);
  return head.layers.length === 1 ? worstCornerOfOneLayer(head, box, search.c) : searchBox(head, box, search);
}

/**
 * Upper bound of h_c − h_rival at a point, rounded up: interval propagation of the rival's margin over the one point. Where
 * it is ≤ 0 the true margin is below 0.
 */
export function marginUpperAt(
  head: DenseHead,
  point: ArrayLike<number>,
  of: { readonly c: number; readonly rival: number },
): number {
  return -propagatedMargins(head, { lower: point, upper: point }, of.rival)[of.c];
}

function worstCornerOfOneLayer(head: DenseHead, box: FloatBox, c: number): Counterexample | null {
  const { inputs, outputs, weight } = head.layers[0];
  let worst: Counterexample | null = null;
  for (let j = 0; j < outputs; j++) {
    if (j === c) continue;
    const point = box.lower.map((l, i) => (weight[c * inputs + i] < weight[j * inputs + i] ? box.upper[i] : l));
    const marginUpper = marginUpperAt(head, point, { c, rival: j });
    if (marginUpper <= (worst?.marginUpper ?? 0)) worst = { rival: j, marginUpper, point };
  }
  return worst;
}

/** A point and what the head says of it. */
interface Visit {
  readonly point: Float32Array;
  readonly pass: HeadPass;
}

interface Search {
  readonly head: DenseHead;
  readonly box: FloatBox;
  readonly c: number;
  readonly steps: number;
}

function searchBox(
  head: DenseHead,
  box: FloatBox,
  { c, restarts, steps, key }: FalsificationSearch,
): Counterexample | null {
  const { isProved, worst } = linearAnalysisOver(head, c)(box);
  if (isProved) return null;
  const search = { head, box, c, steps };
  let closest: Visit | null = null;
  for (const { corner } of worst.filter(({ margin }) => !(margin > 0))) {
    const end = flipCorners(search, Float32Array.from(corner));
    const found = counterexampleAt(search, end);
    if (found !== null) return found;
    if (closest === null || leastMargin(search, end) < leastMargin(search, closest)) closest = end;
  }
  for (let restart = 0; restart <= restarts; restart++) {
    // The first descends from the corner that came closest.
    const start = restart === 0 && closest !== null ? closest.point : randomPoint(box, restart, key);
    const end = flipCorners(search, descend(search, start).point);
    const found = counterexampleAt(search, end);
    if (found !== null) return found;
  }
  return null;
}

/** The rival with the largest logit. */
function nearestRival({ logits }: HeadPass, c: number): number {
  let rival = c === 0 ? 1 : 0;
  for (let j = rival + 1; j < logits.length; j++) if (j !== c && logits[j] > logits[rival]) rival = j;
  return rival;
}

function leastMargin({ c }: Search, { pass }: Visit): number {
  return pass.logits[c] - pass.logits[nearestRival(pass, c)];
}

function counterexampleAt({ head, c }: Search, { point, pass }: Visit): Counterexample | null {
  const rival = nearestRival(pass, c);
  const marginUpper = marginUpperAt(head, point, { c, rival });
  return marginUpper <= 0 ? { rival, marginUpper, point } : null;
}

/** Goes from a point to the corner that its gradient points to, for as long as the margin falls or until a rival wins. */
function flipCorners(search: Search, start: Float32Array): Visit {
  const { head, box, c, steps } = search;
  let at: Visit = { point: start, pass: passThrough(head, start) };
  for (let step = 0; step < steps && leastMargin(search, at) > 0; step++) {
    const slope = at.pass.gradient(nearestRival(at.pass, c), c);
    const point = at.point.map((z, i) => (slope[i] > 0 ? box.upper[i] : slope[i] < 0 ? box.lower[i] : z));
    const next = { point, pass: passThrough(head, point) };
    if (!(leastMargin(search, next) < leastMargin(search, at))) break;
    at = next;
  }
  return at;
}

/**
 * Projected steps by the sign of the gradient, each coordinate by a share of its side that falls from 1/2 to 1/(2·steps).
 * @returns the point of the least margin on the way
 */
function descend(search: Search, start: Float32Array): Visit {
  const { head, box, c, steps } = search;
  let at: Visit = { point: start, pass: passThrough(head, start) };
  let best = at;
  for (let step = 0; step < steps && leastMargin(search, best) > 0; step++) {
    const slope = at.pass.gradient(nearestRival(at.pass, c), c);
    const share = (1 - step / steps) / 2;
    const point = at.point.map((z, i) => {
      const moved = Math.fround(z + share * (box.upper[i] - box.lower[i]) * Math.sign(slope[i]));
      return Math.min(box.upper[i], Math.max(box.lower[i], moved));
    });
    at = { point, pass: passThrough(head, point) };
    if (leastMargin(search, at) < leastMargin(search, best)) best = at;
  }
  return best;
}

/** Uniform in the box. */
function randomPoint({ lower, upper }: FloatBox, restart: number, key: ArrayLike<number>): Float32Array {
  const words = Uint32Array.from(key);
  return lower.map((l, i) => {
    const share = philox4x32(Uint32Array.of(i >> 2, restart, 0, 0), words)[i & 3] / 2 ** 32;
    return Math.min(upper[i], Math.max(l, Math.fround(l + share * (upper[i] - l))));
  });
}
