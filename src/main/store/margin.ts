import type { Evidence } from '../../shared/results.ts';

/**
 * The proved lower bound of h_c − h_j against the nearest rival j on the box that the evidence is of, in logits (METHOD.md §4);
 * null for methods that count votes. @param predicted c
 */
export function marginOf(evidence: Evidence, predicted: number): number | null {
  switch (evidence.method) {
    case 'label':
    case 'pairwise':
      return null;
    case 'logit':
      return smallest(evidence.upper, predicted, (upper) => evidence.lower[predicted] - upper);
    case 'representation':
      return smallest(evidence.marginLower, predicted, (margin) => margin);
  }
}

/** NaN where any rival's margin is. */
function smallest(values: Float32Array | Float64Array, predicted: number, margin: (value: number) => number): number {
  let least = Infinity;
  for (let j = 0; j < values.length; j++) if (j !== predicted) least = Math.min(least, margin(values[j]));
  return least;
}
