import { describe, expect, it } from 'vitest';
import { labelVerdict } from '../../../src/main/math/certificates/label.ts';
import { pairwiseVerdict } from '../../../src/main/math/certificates/pairwise.ts';
import { mediansOfSorted } from '../../../src/main/math/certificates/search.ts';
import type { CertificateVerdict } from '../../../src/main/math/certificates/verdict.ts';
import { countVotes, countWins, pairwiseCandidate, worstWins } from '../../../src/main/math/certificates/votes.ts';
import { argmax, headLogits, type DenseHead } from '../../../src/main/math/head.ts';
import type { Selection } from '../../../src/main/math/levels.ts';
import { normals } from '../heads.ts';
import {
  certifyLogits,
  certifyRepresentations,
  claimsMoreThan,
  expectCoverage,
  SIMULATED,
  sortedColumnsOf,
} from '../simulation.ts';

/**
 * A classifier that is linear in its input, with random weights for every trial: f(x) = x in R^3 and a one-layer head on it.
 * Under Gaussian noise the medians of representations and logits are their values without noise, and a duel is lost just
 * where its logits meet. So the true radius of all methods but label is the distance to the nearest boundary,
 * min_j (h_c − h_j)/‖W_c − W_j‖₂; label's is at most that.
 */
const DIMENSION = 3;
const CLASSES = 4;
const SELECTION_DRAWS = 20;

interface Problem {
  readonly head: DenseHead;
  /** [n₀, D] and [n, D]: x + η */
  readonly selection: Float32Array;
  readonly estimation: Float32Array;
  /** Of a class, at x; not positive where it is not the prediction. */
  readonly trueRadius: (c: number) => number;
}

function problemOf(trial: number): Problem {
  const weight = normals(CLASSES * DIMENSION, 'linear weight', trial);
  const bias = normals(CLASSES, 'linear bias', trial);
  const layers = [{ inputs: DIMENSION, outputs: CLASSES, weight, bias }];
  const distance = (c: number, j: number): number => {
    const normal = Array.from({ length: DIMENSION }, (_, i) => weight[c * DIMENSION + i] - weight[j * DIMENSION + i]);
    return (bias[c] - bias[j]) / Math.hypot(...normal);
  };
  const rivals = (c: number): number[] => [0, 1, 2, 3].filter((j) => j !== c);
  return {
    head: { constraint: 'none', bound: 1, groupSize: 1, layers },
    selection: normals(SELECTION_DRAWS * DIMENSION, 'linear selection', trial),
    estimation: normals(SIMULATED.draws * DIMENSION, 'linear estimation', trial),
    trueRadius: (c) => Math.min(...rivals(c).map((j) => distance(c, j))),
  };
}

/** [n, K] from [n, D]. */
function logitsOf(rows: Float32Array, head: DenseHead): Float32Array {
  const draws = rows.length / DIMENSION;
  const logits = new Float32Array(draws * CLASSES);
  for (let s = 0; s < draws; s++) {
    logits.set(headLogits(head, rows.subarray(s * DIMENSION, (s + 1) * DIMENSION)), s * CLASSES);
  }
  return logits;
}

const mediansOf = (rows: Float32Array, columns: number): Float32Array =>
  mediansOfSorted({ sortedColumns: sortedColumnsOf(rows, columns), draws: rows.length / columns });

type Method = (problem: Problem, selection: Selection) => CertificateVerdict;

const label: Method = ({ head, selection: chosen, estimation }, selection) => {
  const selectionCounts = countVotes(logitsOf(chosen, head), CLASSES);
  return labelVerdict({
    ...SIMULATED,
    selection,
    selectionCounts,
    counts: countVotes(logitsOf(estimation, head), CLASSES),
  });
};

const pairwise: Method = ({ head, selection: chosen, estimation }, selection) => {
  const logits = logitsOf(estimation, head);
  const selectionWorstWins = worstWins(selection === 'shared' ? logits : logitsOf(chosen, head), CLASSES);
  const wins = countWins(logits, CLASSES, pairwiseCandidate(selectionWorstWins));
  return pairwiseVerdict({ ...SIMULATED, selection, selectionWorstWins, wins });
};

const logit =
  (logitTest: 'pairs' | 'bonferroni'): Method =>
  ({ head, selection: chosen, estimation }, selection) => {
    const selectionMedian = mediansOf(logitsOf(chosen, head), CLASSES);
    return certifyLogits(logitsOf(estimation, head), { selection, logitTest, selectionMedian });
  };

const representation: Method = ({ head, selection: chosen, estimation }, selection) =>
  certifyRepresentations(estimation, { selection, head, selectionMedian: mediansOf(chosen, DIMENSION) });

const METHODS = {
  label,
  pairwise,
  'logit pairs': logit('pairs'),
  'logit bonferroni': logit('bonferroni'),
  representation,
};
const CASES = Object.entries(METHODS).flatMap(([name, method]) =>
  (['separate', 'shared'] as const).map((selection) => ({ name, method, selection })),
);

describe('certificates of random linear classifiers', () => {
  it.each(CASES)('claim more than the truth at most as often as α: $name, $selection', ({ method, selection }) => {
    let certified = 0;
    expectCoverage((trial) => {
      const problem = problemOf(trial);
      const verdict = method(problem, selection);
      if (verdict.outcome === 'certified') certified += 1;
      return claimsMoreThan(problem.trueRadius(verdict.predicted), verdict);
    });
    expect(certified).toBeGreaterThan(200);
  });

  it('pairwise is never below label where both chose the same class', () => {
    for (let trial = 0; trial < 300; trial++) {
      const problem = problemOf(trial);
      for (const selection of ['separate', 'shared'] as const) {
        const [a, b] = [label(problem, selection), pairwise(problem, selection)];
        if (a.predicted !== b.predicted || a.outcome === 'abstained') continue;
        expect(b).toMatchObject({ outcome: 'certified' });
        if (b.outcome === 'certified') expect(b.radiusNormalised).toBeGreaterThanOrEqual(a.radiusNormalised);
      }
    }
  });

  it('names the class of the head at the median where representations are certified', () => {
    for (let trial = 0; trial < 300; trial++) {
      const problem = problemOf(trial);
      const verdict = representation(problem, 'separate');
      if (verdict.outcome === 'abstained') continue;
      expect(verdict.predicted).toBe(argmax(headLogits(problem.head, mediansOf(problem.estimation, DIMENSION))));
    }
  });
});
