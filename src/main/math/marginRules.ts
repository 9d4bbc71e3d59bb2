import { propagatedMargins } from './boxPropagation.ts';
import type { RepresentationBox } from './representationBox.ts';
import {
  headInputs,
  requireClass,
  requireHead,
  requireLength,
  type DenseHead,
  type DenseLayerWeights,
  type HeadConstraint,
} from './head.ts';
import { lossesL2 } from './lipschitzL2.ts';
import { linearMarginsOver } from './linearBounds/linearMargins.ts';
import { roundedDown, roundedUp } from './rounding.ts';
import { layerNormUpper } from './spectralNorm.ts';

export type MarginRuleName = 'paper' | 'lipschitz' | 'lipschitz-l2' | 'interval' | 'linear';

/** The box B of a representation certificate and the median inside it, each [D]. */
export interface MedianBox extends RepresentationBox {
  readonly median: ArrayLike<number>;
}

/**
 * Lower bounds of h_c − h_j over a box around the median, [K], +Infinity at c, rounded down; the margin stays positive
 * by the rule iff all are > 0 (METHOD.md §4). What does not depend on the box is computed once, so that a search over
 * boxes pays for it once.
 */
export type MarginsOverBoxes = (
  head: DenseHead,
  median: ArrayLike<number>,
  c: number,
) => (box: RepresentationBox) => Float64Array;

/**
 * The paper's published rule: margin_j(m) − 2·δ·∏k_i, δ = max(‖u − m‖∞, ‖m − l‖∞). Only under `wn-l1` does ∏k_i bound
 * the L∞ Lipschitz constant; under `spectral` and `bjorck` it bounds that of L2, and ‖d‖₂ may be √D·‖d‖∞.
 * @throws RangeError for a head without constraint, which has no k
 */
const paper: MarginsOverBoxes = (head, median, c) => {
  if (head.constraint === 'none') {
    throw new RangeError(
      'paper rule: got constraint "none", expected one with a bound for the rule to read; use the rule "interval"',
    );
  }
  const margins = marginsAtMedian('paper rule', head, { median, c });
  const gain = head.layers.reduce((product, layer) => roundedUp(product * layerBound(head, layer), 1), 1);
  return (box) => {
    const loss = roundedUp(2 * boxRadius('paper rule', median, box) * gain, 2);
    return margins.map((margin, j) => (j === c ? margin : roundedDown(margin - loss, 1)));
  };
};

/**
 * margin_j(m) − δ·‖W_c − W_j‖₁·∏ max-row-L1 of the earlier layers. Sound for any head: GroupSort is 1-Lipschitz in
 * L∞, a layer is Lipschitz by its largest row, and the last two rows count as one.
 */
const lipschitz: MarginsOverBoxes = (head, median, c) => {
  const margins = marginsAtMedian('lipschitz rule', head, { median, c });
  const rows = head.layers.slice(0, -1).map(largestRowL1);
  const last = head.layers.at(-1)!;
  const distances = margins.map((_, j) => rowDistanceL1(last, c, j));
  return (box) => {
    const radius = boxRadius('lipschitz rule', median, box);
    const reach = rows.reduce((r, row) => roundedUp(r * row, 1), radius);
    return margins.map((margin, j) => (j === c ? margin : roundedDown(margin - roundedUp(reach * distances[j], 1), 1)));
  };
};

/** margin_j(m) less the L2 loss of `lossesL2`. Sound for any head. */
const lipschitzL2: MarginsOverBoxes = (head, median, c) => {
  const margins = marginsAtMedian('lipschitz-l2 rule', head, { median, c });
  const lossesOver = lossesL2(head, median, c);
  return (box) => {
    const losses = lossesOver(box);
    return margins.map((margin, j) => (j === c ? margin : roundedDown(margin - losses[j], 1)));
  };
};

/** Interval propagation of the box. Sound for any head and exact for one layer. */
const interval: MarginsOverBoxes = (head, _median, c) => (box) => propagatedMargins(head, box, c);

/** Linear bounds through GroupSort. Sound for any head, exact for one layer, never looser than `interval`. */
const linear: MarginsOverBoxes = (head, _median, c) => linearMarginsOver(head, c);

export const MARGINS_OVER_BOXES: Readonly<Record<MarginRuleName, MarginsOverBoxes>> = {
  paper,
  lipschitz,
  'lipschitz-l2': lipschitzL2,
  interval,
  linear,
};

/** The margins over one box, as MarginsOverBoxes has them over many. */
export type MarginRule = (head: DenseHead, box: MedianBox, c: number) => Float64Array;

const overOneBox =
  (rule: MarginRuleName): MarginRule =>
  (head, box, c) =>
    MARGINS_OVER_BOXES[rule](head, box.median, c)(box);

export const MARGIN_RULES: Readonly<Record<MarginRuleName, MarginRule>> = {
  paper: overOneBox('paper'),
  lipschitz: overOneBox('lipschitz'),
  'lipschitz-l2': overOneBox('lipschitz-l2'),
  interval: overOneBox('interval'),
  linear: overOneBox('linear'),
};

/** Whether a certificate by this rule is a proof, for a head under this constraint. */
export function isProof(rule: MarginRuleName, constraint: HeadConstraint): boolean {
  return rule === 'paper' ? constraint === 'wn-l1' : true;
}

/** True iff every margin is proved positive; a NaN is not. */
export const allPositive = (margins: Float64Array): boolean => margins.every((margin) => margin > 0);

/** margin_j(m) rounded down, as interval propagation of the one point m. */
function marginsAtMedian(
  operation: string,
  head: DenseHead,
  { median, c }: { median: ArrayLike<number>; c: number },
): Float64Array {
  requireHead(operation, head);
  requireClass(operation, head, c);
  requireLength(operation, 'median', { got: median.length, expected: headInputs(head) });
  return propagatedMargins(head, { lower: median, upper: median }, c);
}

/** δ, rounded up; NaN where the box holds one, so that no margin passes. */
function boxRadius(operation: string, median: ArrayLike<number>, { lower, upper }: RepresentationBox): number {
  requireLength(operation, 'lower bound', { got: lower.length, expected: median.length });
  requireLength(operation, 'upper bound', { got: upper.length, expected: median.length });
  let radius = 0;
  for (let i = 0; i < median.length; i++) {
    radius = Math.max(radius, Math.abs(upper[i] - median[i]), Math.abs(median[i] - lower[i]));
  }
  return roundedUp(radius, 1);
}

/** k of a layer, or what it really is where float32 rounding left it a little above k: a proof must not overlook that. */
function layerBound({ constraint, bound }: DenseHead, layer: DenseLayerWeights): number {
  switch (constraint) {
    case 'none':
    case 'wn':
      return bound;
    case 'wn-l1':
      return Math.max(bound, largestRowL1(layer));
    case 'spectral':
    case 'bjorck':
      return Math.max(bound, layerNormUpper(layer));
  }
}

/** ‖W‖∞→∞ rounded up. */
function largestRowL1({ inputs, outputs, weight }: DenseLayerWeights): number {
  let largest = 0;
  for (let row = 0; row < outputs; row++) {
    let sum = 0;
    for (let i = row * inputs; i < (row + 1) * inputs; i++) sum += Math.abs(weight[i]);
    largest = Math.max(largest, sum);
  }
  return roundedUp(largest, inputs);
}

/** ‖W_c − W_j‖₁ rounded up. */
function rowDistanceL1({ inputs, weight }: DenseLayerWeights, c: number, j: number): number {
  let sum = 0;
  for (let i = 0; i < inputs; i++) sum += Math.abs(weight[c * inputs + i] - weight[j * inputs + i]);
  return roundedUp(sum, inputs + 1);
}
