import { groupSort } from './groupSort.ts';
import { timesVector } from './kernel/kernel.ts';

export type HeadConstraint = 'none' | 'wn' | 'wn-l1' | 'spectral' | 'bjorck';

/** One fully connected layer. */
export interface DenseLayerWeights {
  readonly inputs: number;
  readonly outputs: number;
  /** [outputs, inputs], row-major */
  readonly weight: Float32Array;
  /** [outputs] */
  readonly bias: Float32Array;
}

/** A classifier on representations: fully connected layers with GroupSort between them (METHOD.md §1). */
export interface DenseHead {
  readonly constraint: HeadConstraint;
  /** k of the constraint; without meaning for `none` */
  readonly bound: number;
  readonly groupSize: number;
  /** In order from the representation to the logits. */
  readonly layers: readonly DenseLayerWeights[];
}

/** Refuses a head whose arrays do not fit its sizes, or whose layers do not fit each other. */
export function requireHead(operation: string, { layers }: DenseHead): void {
  if (layers.length === 0)
    throw new RangeError(`${operation}: got a head of 0 layers, expected at least 1; pass the trained head`);
  layers.forEach(({ inputs, outputs, weight, bias }, i) => {
    if (weight.length !== inputs * outputs || bias.length !== outputs) {
      throw new RangeError(
        `${operation}: got ${weight.length} weights and ${bias.length} biases in layer ${i + 1}, expected ${outputs} × ${inputs} and ${outputs}; pass effective weights`,
      );
    }
    if (i > 0 && layers[i - 1].outputs !== inputs) {
      throw new RangeError(
        `${operation}: got ${inputs} inputs in layer ${i + 1}, expected the ${layers[i - 1].outputs} outputs of the layer before; pass layers in order`,
      );
    }
  });
}

/** D of a head. */
export const headInputs = ({ layers }: DenseHead): number => layers[0].inputs;

/** K of a head. */
export const headClasses = ({ layers }: DenseHead): number => layers.at(-1)!.outputs;

/**
 * Logits h(z), [K], in float64.
 * @param z [D]
 * @throws RangeError if z or the head's arrays have other sizes than the head
 */
export function headLogits(head: DenseHead, z: ArrayLike<number>): Float64Array {
  requireHead('logits', head);
  requireLength('logits', 'representation', { got: z.length, expected: headInputs(head) });
  return head.layers.reduce<Float64Array>(
    (units, layer, i) => dense(layer, i === 0 ? units : groupSort(units, head.groupSize)),
    new Float64Array(z),
  );
}

/** W·units + b, [outputs]. */
export function dense(layer: DenseLayerWeights, units: Float64Array): Float64Array {
  return timesVector(layer, units).map((sum, row) => sum + layer.bias[row]);
}

/** Index of the largest value; ties go to the lowest index, and a NaN is never chosen over a number. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if (values[i] > values[best] || (Number.isNaN(values[best]) && !Number.isNaN(values[i]))) best = i;
  }
  return best;
}

export function requireLength(
  operation: string,
  quantity: string,
  size: { readonly got: number; readonly expected: number },
): void {
  if (size.got !== size.expected) {
    throw new RangeError(
      `${operation}: got a ${quantity} of ${size.got} entries, expected ${size.expected}; pass one per unit`,
    );
  }
}

export function requireClass(operation: string, head: DenseHead, c: number): void {
  const classes = headClasses(head);
  if (!Number.isSafeInteger(c) || c < 0 || c >= classes) {
    throw new RangeError(
      `${operation}: got class ${c}, expected an integer from 0 to ${classes - 1}; pass the class under test`,
    );
  }
}
