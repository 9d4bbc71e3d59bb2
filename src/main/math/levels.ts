/**
 * How a certificate's failure probability α is divided over the one-sided bounds it needs (METHOD.md §4). `separate`: the
 * class under test comes from draws of its own. `shared`: it comes from the same draws, and the level pays for that.
 */

export type Selection = 'separate' | 'shared';
export type LogitTest = 'pairs' | 'bonferroni';

/** What each level depends on. */
export interface LevelRequest {
  /** Failure probability of the whole certificate, in (0, 1). */
  readonly alpha: number;
  readonly selection: Selection;
}

/** One binomial bound; shared: one for each class that could have been chosen, so α/K. */
export function labelLevel({ alpha, selection, classes }: LevelRequest & { readonly classes: number }): number {
  requireLevel('label level', alpha, 'classes', classes);
  return selection === 'separate' ? alpha : alpha / classes;
}

/**
 * Each duel at the full α, since all must be won (intersection–union). Shared: a union bound over the K candidates
 * that could have been chosen gives α/K, which is conservative, as at most one candidate can be right.
 */
export function pairwiseLevel({ alpha, selection, classes }: LevelRequest & { readonly classes: number }): number {
  requireLevel('pairwise level', alpha, 'classes', classes);
  return selection === 'separate' ? alpha : alpha / classes;
}

/** Two bounds for each of D coordinates; shared: a wrong class is a second way to fail, so α/2 replaces α. */
export function representationLevel({
  alpha,
  selection,
  dimension,
}: LevelRequest & { readonly dimension: number }): number {
  requireLevel('representation level', alpha, 'dimension', dimension);
  return (selection === 'separate' ? alpha : alpha / 2) / (2 * dimension);
}

/** Intersection–union over pairs needs a class fixed before the draws, so shared selection always tests all K logits. */
export function effectiveLogitTest(selection: Selection, requested: LogitTest): LogitTest {
  return selection === 'shared' ? 'bonferroni' : requested;
}

/**
 * `pairs`: the two bounds of one pair. `bonferroni`: two bounds for each of K logits; shared: that at α/2, as for
 * representations.
 */
export function logitLevel({
  alpha,
  selection,
  classes,
  logitTest,
}: LevelRequest & { readonly classes: number; readonly logitTest: LogitTest }): number {
  requireLevel('logit level', alpha, 'classes', classes);
  if (effectiveLogitTest(selection, logitTest) === 'pairs') return alpha / 2;
  return (selection === 'separate' ? alpha : alpha / 2) / (2 * classes);
}

function requireLevel(operation: string, alpha: number, quantity: string, count: number): void {
  if (!(alpha > 0 && alpha < 1)) {
    throw new RangeError(`${operation}: got alpha ${alpha}, expected a probability in (0, 1); choose for example 1e-4`);
  }
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new RangeError(`${operation}: got ${quantity} ${count}, expected a positive integer; pass their number`);
  }
}
