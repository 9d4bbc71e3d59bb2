import { requireLength } from './head.ts';

/** Bounds on the units of a box in representation space, each [D]. */
export interface RepresentationBox {
  readonly lower: ArrayLike<number>;
  readonly upper: ArrayLike<number>;
}

/** @throws RangeError for bounds of other sizes than D, or a lower one above its upper one */
export function requireBox(operation: string, { lower, upper }: RepresentationBox, dimension: number): void {
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
