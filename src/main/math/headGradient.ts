import { vectorTimes } from './kernel/kernel.ts';
import { dense, headClasses, headInputs, requireClass, requireHead, requireLength, type DenseHead } from './head.ts';

/** The logits at a point and what leads back from them. */
export interface HeadPass {
  /** [K] */
  readonly logits: Float64Array;
  /** d(h_plus − h_minus)/dz at the point, [D]; at a tie in a group, that of one of its orders. */
  gradient(plus: number, minus: number): Float64Array;
}

/** One pass forward through a head, from which any difference of logits can be led back. @param z [D] */
export function passThrough(head: DenseHead, z: ArrayLike<number>): HeadPass {
  requireHead('gradient', head);
  requireLength('gradient', 'representation', { got: z.length, expected: headInputs(head) });
  /** By hidden layer: the unit that came to each place, [width]. */
  const orders: Int32Array[] = [];
  let units: Float64Array = new Float64Array(z);
  for (const [i, layer] of head.layers.entries()) {
    if (i > 0) {
      const order = groupOrder(units, head.groupSize);
      orders.push(order);
      units = Float64Array.from(order, (from) => units[from]);
    }
    units = dense(layer, units);
  }
  return {
    logits: units,
    gradient: (plus, minus) => {
      requireClass('gradient', head, plus);
      requireClass('gradient', head, minus);
      return back(head, orders, new Float64Array(headClasses(head)).fill(1, plus, plus + 1).fill(-1, minus, minus + 1));
    },
  };
}

/** Places in ascending order of their units within each group; those of equal units stay in turn. Groups are small: each place is put in one by one. */
function groupOrder(units: Float64Array, groupSize: number): Int32Array {
  const order = new Int32Array(units.length);
  for (let start = 0; start < order.length; start += groupSize) {
    for (let unit = start; unit < start + groupSize; unit++) {
      let place = unit;
      for (; place > start && units[order[place - 1]] > units[unit]; place--) order[place] = order[place - 1];
      order[place] = unit;
    }
  }
  return order;
}

function back(head: DenseHead, orders: readonly Int32Array[], ofLogits: Float64Array): Float64Array {
  let gradient = ofLogits;
  for (let i = head.layers.length - 1; i >= 0; i--) {
    const sorted = vectorTimes(gradient, head.layers[i]);
    if (i === 0) return sorted;
    gradient = new Float64Array(sorted.length);
    orders[i - 1].forEach((from, place) => (gradient[from] = sorted[place]));
  }
  return gradient;
}
