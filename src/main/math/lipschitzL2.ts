import type { RepresentationBox } from './representationBox.ts';
import { requireLength, type DenseHead, type DenseLayerWeights } from './head.ts';
import { roundedUp } from './rounding.ts';
import { layerNormUpper } from './spectralNorm.ts';

/**
 * What the rule `lipschitz-l2` subtracts from each margin at the median, [K], rounded up: ‖max(u − m, m − l)‖₂·‖W_c − W_j‖₂·∏‖W_i‖₂ over the
 * layers before the last (METHOD.md §4). Every point of the box is within that first length of m in L2; a layer is Lipschitz in L2 by
 * its largest singular value, GroupSort by 1 as it permutes its units and sorted vectors are no further apart than unsorted ones, and the last
 * two rows count as one. Sound for any head; made for `spectral` and `bjorck`, where the product is k^(layers − 1).
 */
export function lossesL2(
  { layers }: DenseHead,
  median: ArrayLike<number>,
  c: number,
): (box: RepresentationBox) => Float64Array {
  const last = layers.at(-1)!;
  const gain = layers.slice(0, -1).reduce((product, layer) => roundedUp(product * layerNormUpper(layer), 1), 1);
  const gains = Float64Array.from({ length: last.outputs }, (_, j) => roundedUp(gain * rowDistanceL2(last, c, j), 1));
  return (box) => {
    const radius = boxRadiusL2(median, box);
    return gains.map((toMargin) => roundedUp(radius * toMargin, 1));
  };
}

/** ‖max(|u − m|, |m − l|)‖₂ rounded up: each term has the roundings of a difference and of a square. NaN where the box holds one. */
function boxRadiusL2(median: ArrayLike<number>, { lower, upper }: RepresentationBox): number {
  requireLength('lipschitz-l2 rule', 'lower bound', { got: lower.length, expected: median.length });
  requireLength('lipschitz-l2 rule', 'upper bound', { got: upper.length, expected: median.length });
  let sum = 0;
  for (let i = 0; i < median.length; i++) {
    sum += Math.max(Math.abs(upper[i] - median[i]), Math.abs(median[i] - lower[i])) ** 2;
  }
  return rootOfSum(sum, median.length);
}

/** ‖W_c − W_j‖₂ rounded up. */
function rowDistanceL2({ inputs, weight }: DenseLayerWeights, c: number, j: number): number {
  let sum = 0;
  for (let i = 0; i < inputs; i++) sum += (weight[c * inputs + i] - weight[j * inputs + i]) ** 2;
  return rootOfSum(sum, inputs);
}

/** √Σ rounded up, for a sum of so many squares of rounded differences: a square has thrice a rounding, the sum one for each term. */
const rootOfSum = (sum: number, terms: number): number => roundedUp(Math.sqrt(roundedUp(sum, terms + 3)), 1);
