import { argmax, headClasses, headInputs, headLogits, requireClass, requireHead, requireLength } from './head.ts';
import type { DenseHead } from './head.ts';

/**
 * The closest representation with another prediction, for heads of one layer (METHOD.md §3, the paper's eq. 3–4). Class j
 * beats class i on a half-space, so the quadratic program of the paper has a closed form: the nearest of K − 1 planes.
 */

/** The nearest place where some class beats the predicted one. */
export interface NearestHalfSpace {
  /** The class that wins there. */
  readonly rival: number;
  /** L2 distance from z to the plane between them, 0 where they are equal already. */
  readonly distance: number;
}

/** A representation next to z that the head reads as another class. */
export interface AdversarialRepresentation {
  /** The prediction at `point`. */
  readonly adversarialClass: number;
  /** z', [D] */
  readonly point: Float32Array;
  /** ‖z' − z‖₂ and ‖z' − z‖∞ of the point as it is stored. */
  readonly distanceL2: number;
  readonly distanceLinf: number;
}

/** A step this much longer than the way to the plane ends past it (METHOD.md §3). */
const PAST_THE_PLANE = 1e-6;

/** One half of float32's spacing at 1: what rounding may take of a coordinate. */
const HALF_SPACING = 2 ** -24;

/** Steps at zero distance from zero have to begin somewhere; half of float32's exponents are below. */
const SMALLEST_STEP = 2 ** -64;

/** From the smallest step to the largest float32 by doubling, and some more. */
const DOUBLINGS = 256;

/**
 * The nearest of the half-spaces in which another class beats class c, in float64: with w = W_c − W_j and
 * margin_j = w·z + b_c − b_j it is margin_j/‖w‖₂ away. Classes of equal weights have no half-space. Null where there is none.
 * @param z [D]
 * @throws RangeError for a head of several layers, or a z or class that is not the head's
 */
export function nearestHalfSpace(head: DenseHead, z: ArrayLike<number>, c: number): NearestHalfSpace | null {
  requireOneLayer('nearest half-space', head);
  requireClass('nearest half-space', head, c);
  requireLength('nearest half-space', 'representation', { got: z.length, expected: headInputs(head) });
  let nearest: NearestHalfSpace | null = null;
  for (let rival = 0; rival < headClasses(head); rival++) {
    if (rival === c) continue;
    const { margin, norm } = planeBetween(head, { z, c, rival });
    const distance = Math.max(0, margin) / norm;
    // False for equal weights, whose distance is infinite or no number.
    if (distance < (nearest?.distance ?? Infinity)) nearest = { rival, distance };
  }
  return nearest;
}

/**
 * For each representation, the closest one with another prediction: a relative 1e-6 past the nearest plane, and further
 * where rounding to float32 takes that back, until logits in float32 and in float64 both have another class on top. Null
 * where the head predicts one class everywhere, and where z is not finite.
 * @param representations [n, D]
 * @throws RangeError for a head of several layers, or an array that is no whole number of representations
 */
export function closestAdversarials(
  head: DenseHead,
  representations: Float32Array,
): (AdversarialRepresentation | null)[] {
  requireOneLayer('closest adversarial representation', head);
  const dimension = headInputs(head);
  const count = representations.length / dimension;
  if (!Number.isInteger(count)) {
    throw new RangeError(
      `closest adversarial representation: got ${representations.length} values, expected a multiple of D = ${dimension}; pass whole representations`,
    );
  }
  return Array.from({ length: count }, (_, row) =>
    closestTo(head, representations.subarray(row * dimension, (row + 1) * dimension)),
  );
}

function closestTo(head: DenseHead, z: Float32Array): AdversarialRepresentation | null {
  const c = argmax(headLogits(head, z));
  const nearest = nearestHalfSpace(head, z, c);
  if (nearest === null) return null;
  const { rival, distance } = nearest;
  const { w, norm } = planeBetween(head, { z, c, rival });
  const unit = Math.max(distance, HALF_SPACING * Math.hypot(...z), SMALLEST_STEP);
  let past = PAST_THE_PLANE;
  for (let doubling = 0; doubling < DOUBLINGS; doubling++, past *= 2) {
    const length = distance + past * unit;
    const point = z.map((value, d) => value - (w[d] / norm) * length);
    if (!point.every(Number.isFinite)) return null;
    const adversarialClass = argmax(headLogits(head, point));
    if (adversarialClass !== c && argmax(logitsInFloat32(head, point)) !== c) {
      return { adversarialClass, point, ...distancesBetween(point, z) };
    }
  }
  return null;
}

/** w = W_c − W_j, [D], its L2 norm, and w·z + b_c − b_j, in float64. */
function planeBetween(
  { layers: [{ inputs, weight, bias }] }: DenseHead,
  { z, c, rival }: { z: ArrayLike<number>; c: number; rival: number },
): { w: Float64Array; norm: number; margin: number } {
  const w = Float64Array.from({ length: inputs }, (_, d) => weight[c * inputs + d] - weight[rival * inputs + d]);
  return { w, norm: Math.hypot(...w), margin: w.reduce((sum, value, d) => sum + value * z[d], bias[c] - bias[rival]) };
}

/** [K] as an engine computes them, up to the order of its sums: every operation is rounded to float32. */
function logitsInFloat32({ layers: [{ inputs, outputs, weight, bias }] }: DenseHead, z: Float32Array): Float32Array {
  return Float32Array.from({ length: outputs }, (_, k) => {
    let sum = 0;
    for (let d = 0; d < inputs; d++) sum = Math.fround(sum + Math.fround(weight[k * inputs + d] * z[d]));
    return sum + bias[k];
  });
}

/** ‖a − b‖₂ and ‖a − b‖∞, in float64. */
export function distancesBetween(
  a: Float32Array,
  b: Float32Array,
): { readonly distanceL2: number; readonly distanceLinf: number } {
  let [squares, largest] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const apart = Math.abs(a[i] - b[i]);
    squares += apart * apart;
    largest = Math.max(largest, apart);
  }
  return { distanceL2: Math.sqrt(squares), distanceLinf: largest };
}

function requireOneLayer(operation: string, head: DenseHead): void {
  requireHead(operation, head);
  if (head.layers.length === 1) return;
  throw new RangeError(
    `${operation}: got a head of ${head.layers.length} layers, expected 1; behind GroupSort a class is no half-space, use PGD`,
  );
}
