import { groupSortInterval, type Interval } from './groupSort.ts';
import {
  headInputs,
  requireClass,
  requireHead,
  requireLength,
  type DenseHead,
  type DenseLayerWeights,
} from './head.ts';
import { intervalSums } from './kernel/kernel.ts';
import { roundedUp, sumError } from './rounding.ts';

/** Bounds on the units of a box in representation space, each [D]. */
export interface RepresentationBox {
  readonly lower: ArrayLike<number>;
  readonly upper: ArrayLike<number>;
}

/**
 * Lower bounds of the margins h_c − h_j over all z with lower ≤ z ≤ upper, [K], +Infinity at c: interval propagation
 * through all layers but the last, which is merged as W_c − W_j (METHOD.md §4). Exact for one layer but for the rounding, which is
 * taken outward at every layer. A box that is one point gives a lower bound of the margin there.
 * @throws RangeError for sizes that differ, an unknown class, or a lower bound above its upper one
 */
export function propagatedMargins(head: DenseHead, box: RepresentationBox, c: number): Float64Array {
  requireHead('interval margins', head);
  requireClass('interval margins', head, c);
  requireBox('interval margins', box, headInputs(head));
  let interval: Interval = { lower: new Float64Array(box.lower), upper: new Float64Array(box.upper) };
  for (const layer of head.layers.slice(0, -1)) {
    interval = groupSortInterval(denseInterval(layer, interval), head.groupSize);
  }
  return mergedMargins(head.layers.at(-1)!, interval, c);
}

/** Bounds of a layer's outputs over a box, and Σ_j |W_kj|·|z_j| + |b_k| at most; all [outputs]. */
export interface DenseInterval extends Interval {
  readonly reach: Float64Array;
}

/**
 * Bounds of W·z + b over a box, [outputs], rounded outward. By the box's centre m and half-widths r it is W·m + b ± |W|·r,
 * which takes no branch on the sign of a weight.
 */
export function denseInterval(layer: DenseLayerWeights, box: Interval): DenseInterval {
  const { inputs, bias } = layer;
  const centre = box.lower.map((bound, i) => (bound + box.upper[i]) / 2);
  // Rounded up, so that the box around the rounded centre holds the whole of the given one.
  const halfWidths = centre.map((middle, i) => roundedUp(Math.max(box.upper[i] - middle, middle - box.lower[i]), 1));
  const { middles, absolutes, reaches } = intervalSums(layer, centre, halfWidths);
  const lower = new Float64Array(bias.length);
  const upper = new Float64Array(bias.length);
  const reach = new Float64Array(bias.length);
  bias.forEach((offset, row) => {
    const middle = middles[row] + offset;
    reach[row] = absolutes[row] + Math.abs(offset) + reaches[row];
    // One rounding in each product of either sum, and two in putting the sums together.
    const slack = sumError(inputs + 3, reach[row]);
    lower[row] = middle - reaches[row] - slack;
    upper[row] = middle + reaches[row] + slack;
  });
  return { lower, upper, reach };
}

/** Least value of (W_c − W_j)·z + b_c − b_j over a box for each j, [K], rounded down; +Infinity at c. */
function mergedMargins({ inputs, outputs, weight, bias }: DenseLayerWeights, box: Interval, c: number): Float64Array {
  const margins = new Float64Array(outputs).fill(Infinity);
  for (let j = 0; j < outputs; j++) {
    if (j === c) continue;
    let least = bias[c] - bias[j];
    let absoluteSum = Math.abs(least);
    for (let i = 0; i < inputs; i++) {
      const w = weight[c * inputs + i] - weight[j * inputs + i];
      const term = w * (w < 0 ? box.upper[i] : box.lower[i]);
      least += term;
      absoluteSum += Math.abs(term);
    }
    // Two roundings in each term: the difference of the weights, which may not fit a double, and the product.
    margins[j] = least - sumError(inputs + 2, absoluteSum);
  }
  return margins;
}

function requireBox(operation: string, { lower, upper }: RepresentationBox, dimension: number): void {
  requireLength(operation, 'lower bound', { got: lower.length, expected: dimension });
  requireLength(operation, 'upper bound', { got: upper.length, expected: dimension });
  for (let i = 0; i < dimension; i++) {
    if (lower[i] > upper[i]) {
      throw new RangeError(
        `${operation}: got lower bound ${lower[i]} at coordinate ${i}, expected at most the upper bound ${upper[i]}; pass lower and upper in order`,
      );
    }
  }
}
