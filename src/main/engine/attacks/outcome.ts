/** Whether the label wins, the first among equals; a logit that is not a number counts as wrong. */
export function isRight(logits: Float32Array, label: number): boolean {
  return logits.every((logit, k) => k === label || logits[label] > logit || (logits[label] === logit && label < k));
}

/** log((1 − p)/p) of the label, as `logOddsAgainst` has it on the device. */
export function logOddsOf(logits: Float32Array, label: number): number {
  const rivals = logits.filter((_, k) => k !== label);
  const largest = Math.max(...rivals);
  const sum = rivals.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  return largest + Math.log(sum) - logits[label];
}

/** Root of the sum of squares, added in float64. */
export function normOf(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

/** Steps of the first half; the larger one of an odd number. */
export const halfOf = (steps: number): number => Math.ceil(steps / 2);
