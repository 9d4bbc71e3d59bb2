/** Votes and duels over draws of logits: the counts that label and pairwise certificates rest on (METHOD.md §4). */

import { argmax } from '../head.ts';

/**
 * Votes for each class, [K]. A row votes for the logit that is larger than all others; where two share the largest, or one is
 * not finite, it votes for nobody. So a vote for c is a duel won against every rival, and c has no more votes than wins.
 * @param logits [n, K], row-major
 */
export function countVotes(logits: Float32Array, classes: number): Int32Array {
  requireRows('counting votes', logits, classes);
  const votes = new Int32Array(classes);
  for (let start = 0; start < logits.length; start += classes) {
    const winner = winnerOf(logits, start, classes);
    if (winner !== null) votes[winner] += 1;
  }
  return votes;
}

/** The class that beats all others in the row from `start` on, if all of it is finite. */
function winnerOf(logits: Float32Array, start: number, classes: number): number | null {
  let top = start;
  let isAlone = true;
  for (let at = start; at < start + classes; at++) {
    const logit = logits[at];
    if (!Number.isFinite(logit)) return null;
    if (at === start) continue;
    if (logit > logits[top]) [top, isAlone] = [at, true];
    else if (logit === logits[top]) isAlone = false;
  }
  return isAlone ? top - start : null;
}

/**
 * Draws in which class c beats each rival, [K]; its own entry is n. A tied logit, or one that is not finite, counts for the rival.
 * @param logits [n, K], row-major
 */
export function countWins(logits: Float32Array, classes: number, c: number): Int32Array {
  requireRows('counting wins', logits, classes);
  if (!Number.isSafeInteger(c) || c < 0 || c >= classes) {
    throw new RangeError(
      `counting wins: got class ${c}, expected an integer from 0 to ${classes - 1}; pass the class under test`,
    );
  }
  const wins = new Int32Array(classes);
  for (let start = 0; start < logits.length; start += classes) {
    if (!Number.isFinite(logits[start + c])) continue;
    for (let j = 0; j < classes; j++) {
      if (logits[start + c] > logits[start + j] && logits[start + j] > -Infinity) wins[j] += 1;
    }
  }
  wins[c] = logits.length / classes;
  return wins;
}

/**
 * For each class, its fewest wins against any rival, [K].
 * @param logits [n, K], row-major
 */
export function worstWins(logits: Float32Array, classes: number): Int32Array {
  return Int32Array.from({ length: classes }, (_, c) => countWins(logits, classes, c).reduce((a, b) => Math.min(a, b)));
}

/** The class whose worst duel is best, lowest index among equals: the Condorcet winner of the draws where there is one. */
export function pairwiseCandidate(worst: Int32Array): number {
  return argmax(worst);
}

function requireRows(operation: string, logits: Float32Array, classes: number): void {
  if (!Number.isSafeInteger(classes) || classes < 2 || logits.length % classes !== 0) {
    throw new RangeError(
      `${operation}: got ${logits.length} logits, expected whole rows of ${classes} classes (at least 2); pass logits as [n, K]`,
    );
  }
}
