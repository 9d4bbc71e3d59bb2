import { propagatedMargins, type RepresentationBox } from './boxPropagation.ts';
import {
  headInputs,
  requireClass,
  requireHead,
  requireLength,
  type DenseHead,
  type DenseLayerWeights,
  type HeadConstraint,
} from './head.ts';
import { roundedDown, roundedUp } from './rounding.ts';

export type MarginRuleName = 'paper' | 'lipschitz' | 'interval';

/** The box B of a representation certificate and the median inside it, each [D]. */
export interface MedianBox extends RepresentationBox {
  readonly median: ArrayLike<number>;
}

/**
 * Lower bounds of h_c − h_j over the box, [K], +Infinity at c, rounded down. The margin stays positive by the rule
 * iff all are > 0 (METHOD.md §4).
 */
export type MarginRule = (head: DenseHead, box: MedianBox, c: number) => Float64Array;

/**
 * The paper's published rule: margin_j(m) − 2·δ·∏k_i, δ = max(‖u − m‖∞, ‖m − l‖∞). Only under `wn-l1` does ∏k_i bound
 * the L∞ Lipschitz constant, and there the rounded weights are held to what they really are.
 * @throws RangeError for a head without constraint, which has no k
 */
export function marginLowerPaper(head: DenseHead, box: MedianBox, c: number): Float64Array {
  if (head.constraint === 'none') {
    throw new RangeError(
      'paper rule: got constraint "none", expected "wn" or "wn-l1", whose bound the rule reads; use the rule "interval"',
    );
  }
  const margins = marginsAtMedian('paper rule', head, { box, c });
  const gain = head.layers.reduce((product, layer) => roundedUp(product * layerBound(head, layer), 1), 1);
  const loss = roundedUp(2 * boxRadius(box) * gain, 2);
  return margins.map((margin, j) => (j === c ? margin : roundedDown(margin - loss, 1)));
}

/**
 * margin_j(m) − δ·‖W_c − W_j‖₁·∏ max-row-L1 of the earlier layers. Sound for any head: GroupSort is 1-Lipschitz in
 * L∞, a layer is Lipschitz by its largest row, and the last two rows count as one.
 */
export function marginLowerLipschitz(head: DenseHead, box: MedianBox, c: number): Float64Array {
  const margins = marginsAtMedian('lipschitz rule', head, { box, c });
  const reach = head.layers.slice(0, -1).reduce((r, layer) => roundedUp(r * largestRowL1(layer), 1), boxRadius(box));
  const last = head.layers.at(-1)!;
  return margins.map((margin, j) =>
    j === c ? margin : roundedDown(margin - roundedUp(reach * rowDistanceL1(last, c, j), 1), 1),
  );
}

/** Interval propagation of the box. Sound for any head and exact for one layer. */
export function marginLowerInterval(head: DenseHead, { lower, upper }: RepresentationBox, c: number): Float64Array {
  return propagatedMargins(head, { lower, upper }, c);
}

export const MARGIN_RULES: Readonly<Record<MarginRuleName, MarginRule>> = {
  paper: marginLowerPaper,
  lipschitz: marginLowerLipschitz,
  interval: marginLowerInterval,
};

/** Whether a certificate by this rule is a proof, for a head under this constraint. */
export function isProof(rule: MarginRuleName, constraint: HeadConstraint): boolean {
  return rule === 'paper' ? constraint === 'wn-l1' : true;
}

/** True iff every margin is proved positive; a NaN is not. */
export const allPositive = (margins: Float64Array): boolean => margins.every((margin) => margin > 0);

/** margin_j(m) rounded down, as interval propagation of the one point m. */
function marginsAtMedian(operation: string, head: DenseHead, { box, c }: { box: MedianBox; c: number }): Float64Array {
  requireHead(operation, head);
  requireClass(operation, head, c);
  for (const [quantity, bound] of [
    ['median', box.median],
    ['lower bound', box.lower],
    ['upper bound', box.upper],
  ] as const) {
    requireLength(operation, quantity, { got: bound.length, expected: headInputs(head) });
  }
  return propagatedMargins(head, { lower: box.median, upper: box.median }, c);
}

/** δ, rounded up; NaN where the box holds one, so that no margin passes. */
function boxRadius({ median, lower, upper }: MedianBox): number {
  let radius = 0;
  for (let i = 0; i < median.length; i++) {
    radius = Math.max(radius, Math.abs(upper[i] - median[i]), Math.abs(median[i] - lower[i]));
  }
  return roundedUp(radius, 1);
}

/** k of a layer. Under `wn-l1` float32 rounding may leave a row a little above k, and a proof must not overlook that. */
function layerBound({ constraint, bound }: DenseHead, layer: DenseLayerWeights): number {
  return constraint === 'wn-l1' ? Math.max(bound, largestRowL1(layer)) : bound;
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
