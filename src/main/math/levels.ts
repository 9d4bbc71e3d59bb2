import { alphaOfTest, type NoiseFacts } from './lattice/lattice.ts';

/**
 * How a certificate's failure probability α is divided over the one-sided bounds it needs (METHOD.md §4). `separate`: the
 * class under test comes from draws of its own. `shared`: it comes from the same draws, and the level pays for that.
 */

export type Selection = 'separate' | 'shared';
export type LogitTest = 'pairs' | 'bonferroni';

/** What each level depends on. */
interface Shares {
  /** Failure probability of the whole certificate, in (0, 1). */
  readonly alpha: number;
  readonly selection: Selection;
}

/** Evidence names its noise, which takes its part of α on a lattice (METHOD.md §4); a level before there are draws has none. */
export type LevelRequest = Shares & (Omit<NoiseFacts, 'sigma'> | { readonly noise?: never });

/** One binomial bound; shared: one for each class that could have been chosen, so α/K. */
export function labelLevel(request: LevelRequest & { readonly classes: number }): number {
  const { selection, classes } = request;
  const alpha = requireLevel('label level', request, { quantity: 'classes', count: classes });
  return selection === 'separate' ? alpha : alpha / classes;
}

/**
 * Each duel at the full α, since all must be won (intersection–union). Shared: a union bound over the K candidates
 * that could have been chosen gives α/K, which is conservative, as at most one candidate can be right.
 */
export function pairwiseLevel(request: LevelRequest & { readonly classes: number }): number {
  const { selection, classes } = request;
  const alpha = requireLevel('pairwise level', request, { quantity: 'classes', count: classes });
  return selection === 'separate' ? alpha : alpha / classes;
}

/** Two bounds for each of D coordinates; shared: a wrong class is a second way to fail, so α/2 replaces α. */
export function representationLevel(request: LevelRequest & { readonly dimension: number }): number {
  const { selection, dimension } = request;
  const alpha = requireLevel('representation level', request, { quantity: 'dimension', count: dimension });
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
export function logitLevel(
  request: LevelRequest & { readonly classes: number; readonly logitTest: LogitTest },
): number {
  const { selection, classes, logitTest } = request;
  const alpha = requireLevel('logit level', request, { quantity: 'classes', count: classes });
  if (effectiveLogitTest(selection, logitTest) === 'pairs') return alpha / 2;
  return (selection === 'separate' ? alpha : alpha / 2) / (2 * classes);
}

/** The α of the test. */
function requireLevel(
  operation: string,
  request: LevelRequest,
  { quantity, count }: { readonly quantity: string; readonly count: number },
): number {
  const { alpha } = request;
  if (!(alpha > 0 && alpha < 1)) {
    throw new RangeError(`${operation}: got alpha ${alpha}, expected a probability in (0, 1); choose for example 1e-4`);
  }
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new RangeError(`${operation}: got ${quantity} ${count}, expected a positive integer; pass their number`);
  }
  if (request.noise === undefined) return alpha;
  const left = alphaOfTest(request);
  if (!(left > 0)) {
    throw new RangeError(
      `${operation}: got alpha ${alpha} for ${request.draws} draws of ${request.inputs} values, which the lattice's own error uses up; choose a larger alpha`,
    );
  }
  return left;
}
