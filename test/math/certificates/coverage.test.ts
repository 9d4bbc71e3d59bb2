import { describe, it } from 'vitest';
import { labelVerdict } from '../../../src/main/math/certificates/label.ts';
import { pairwiseVerdict } from '../../../src/main/math/certificates/pairwise.ts';
import { countVotes, countWins, pairwiseCandidate, worstWins } from '../../../src/main/math/certificates/votes.ts';
import type { DenseHead } from '../../../src/main/math/head.ts';
import type { Selection } from '../../../src/main/math/levels.ts';
import { normalCdf } from '../../../src/main/math/normal.ts';
import { binomialLowerTail, exactly, toNumber } from '../binomial.ts';
import { normals } from '../heads.ts';
import { certifyLogits, certifyRepresentations, claimsMoreThan, expectCoverage, SIMULATED } from '../simulation.ts';

/**
 * Thousands of certificates of cases whose truth is known, at α = 0.1. The cases are the worst of their kind that we know, at a
 * class or a radius that is just false, so that a level too generous by a factor of 2 shows. How often a certificate
 * should be false comes from exact binomial tails and the levels of METHOD.md §4, written out.
 */
const { alpha, draws } = SIMULATED;

/** [n, columns] with what `of` makes of a draw's `size` normals. */
interface Draw {
  readonly size: number;
  readonly of: (eta: Float32Array) => number[];
}
function rowsOf({ size, of }: Draw, name: string, trial: number): Float32Array {
  const noise = normals(draws * size, 'coverage', name, trial);
  const rows = Array.from({ length: draws }, (_, s) => of(noise.subarray(s * size, (s + 1) * size)));
  return Float32Array.from(rows.flat());
}

/**
 * How often one bound at this level claims more than a true radius of `distance` σ: P(Bin(n, Φ(−distance)) < k), for the
 * largest k that keeps it at or below the level. At k = n + 1 − n_A it is a label's tail, else an order statistic's.
 */
function oneBound(level: number, distance: number): number {
  const p = exactly(normalCdf(-distance));
  let share = 0;
  for (let k = 1; ; k++) {
    const tail = toNumber(binomialLowerTail(k, draws, p));
    if (tail > level) return share;
    share = tail;
  }
}

/** Class 0 beats class 1 where η > −distance: at distance d from x it wins with probability Φ(distance − d). */
const duel = (distance: number): Draw => ({ size: 1, of: ([eta]) => [distance + eta, 0] });

describe('label certificate', () => {
  const certify = (rows: Float32Array, selection: Selection) =>
    labelVerdict({ ...SIMULATED, selection, selectionCounts: Int32Array.of(9, 0), counts: countVotes(rows, 2) });

  it.each([0, 0.3, 0.8416, 1.9])('claims more than a true radius of %dσ at most as often as α', (distance) => {
    expectCoverage(
      (trial) => claimsMoreThan(distance, certify(rowsOf(duel(distance), 'label', trial), 'separate')),
      oneBound(alpha, distance),
    );
  });

  it('with the class from the same draws, two classes on their boundary: false both ways', () => {
    expectCoverage(
      (trial) => claimsMoreThan(0, certify(rowsOf(duel(0), 'label, shared', trial), 'shared')),
      2 * oneBound(alpha / 2, 0),
    );
  });
});

describe('pairwise certificate', () => {
  const certify = (rows: Float32Array, classes: number, selection: Selection) => {
    const selectionWorstWins = selection === 'shared' ? worstWins(rows, classes) : new Int32Array(classes).with(0, 9);
    const wins = countWins(rows, classes, pairwiseCandidate(selectionWorstWins));
    return pairwiseVerdict({ ...SIMULATED, selection, selectionWorstWins, wins });
  };

  it.each([0.3, 0.8416])(
    'claims more than a true radius of %dσ at most as often as α, another rival far off',
    (near) => {
      const rivals: Draw = { size: 2, of: ([a, b]) => [0, -near - a, -5 - b] };
      expectCoverage(
        (trial) => claimsMoreThan(near, certify(rowsOf(rivals, 'pairwise', trial), 3, 'separate')),
        oneBound(alpha, near),
      );
    },
  );

  it('two rivals that are as near must both be overestimated', () => {
    const rivals: Draw = { size: 2, of: ([a, b]) => [0, -0.5 - a, -0.5 - b] };
    expectCoverage(
      (trial) => claimsMoreThan(0.5, certify(rowsOf(rivals, 'two rivals', trial), 3, 'separate')),
      oneBound(alpha, 0.5) ** 2,
    );
  });

  it('with the class from the same draws, two classes on their boundary: false both ways', () => {
    expectCoverage(
      (trial) => claimsMoreThan(0, certify(rowsOf(duel(0), 'pairwise, shared', trial), 2, 'shared')),
      2 * oneBound(alpha / 2, 0),
    );
  });
});

/** METHOD.md §4 for K = 2. */
const LOGIT_LEVELS = [
  { selection: 'separate', logitTest: 'pairs', level: alpha / 2 },
  { selection: 'separate', logitTest: 'bonferroni', level: alpha / 4 },
  { selection: 'shared', logitTest: 'pairs', level: alpha / 8 },
  { selection: 'shared', logitTest: 'bonferroni', level: alpha / 8 },
] as const;

describe('logit certificate', () => {
  const selectionMedian = Float32Array.of(1, 0);

  it.each(LOGIT_LEVELS)(
    'claims more than a true radius of 0.4σ at most as often as α: $selection, $logitTest',
    ({ level, ...request }) => {
      // Both logits fail together. That the shared draws name class 1 instead is beyond all counting.
      const opposed: Draw = { size: 1, of: ([eta]) => [0.4 + eta, -0.4 - eta] };
      expectCoverage(
        (trial) => {
          const verdict = certifyLogits(rowsOf(opposed, 'logit', trial), { ...request, selectionMedian });
          return claimsMoreThan(verdict.predicted === 0 ? 0.4 : -0.4, verdict);
        },
        oneBound(level, 0.4),
      );
    },
  );

  it.each(LOGIT_LEVELS.filter(({ selection }) => selection === 'separate'))(
    'two logits that fail apart, each enough for a false claim: $logitTest',
    ({ level, ...request }) => {
      // Logit 0 is 2 or 0, logit 1 is −1 or 1, each on its boundary: a step against both makes the medians 0 and 1.
      const steps: Draw = { size: 2, of: ([a, b]) => [a > 0 ? 2 : 0, b > 0 ? -1 : 1] };
      expectCoverage(
        (trial) => claimsMoreThan(0, certifyLogits(rowsOf(steps, 'steps', trial), { ...request, selectionMedian })),
        1 - (1 - oneBound(level, 0)) ** 2,
      );
    },
  );

  it.each(LOGIT_LEVELS.filter(({ selection }) => selection === 'shared'))(
    'with the class from the same draws, a logit on its boundary: false both ways, asked for $logitTest',
    ({ level, ...request }) => {
      const step: Draw = { size: 1, of: ([eta]) => [eta > 0 ? 1 : -1, 0] };
      expectCoverage(
        (trial) => claimsMoreThan(0, certifyLogits(rowsOf(step, 'step', trial), { ...request, selectionMedian })),
        2 * oneBound(level, 0),
      );
    },
  );
});

/** Layers of weights row by row, without a bias but on the first logit. */
function headOf(firstBias: number, ...layers: readonly (readonly number[][])[]): DenseHead {
  return {
    constraint: 'none',
    bound: 1,
    groupSize: 2,
    layers: layers.map((rows, i) => ({
      inputs: rows[0].length,
      outputs: rows.length,
      weight: Float32Array.from(rows.flat()),
      bias: new Float32Array(rows.length).fill(i === layers.length - 1 ? firstBias : 0, 0, 1),
    })),
  };
}
/** Class 0 where z > 0. */
const SIGN_HEAD = headOf(0, [[1], [-1]]);

describe('representation certificate', () => {
  it.each([
    { selection: 'separate', level: alpha / 2 },
    { selection: 'shared', level: alpha / 4 },
  ] as const)('claims more than a true radius of 0.4σ at most as often as α: $selection', ({ selection, level }) => {
    const request = { selection, head: SIGN_HEAD, selectionMedian: Float32Array.of(1) };
    expectCoverage(
      (trial) => {
        const rows = rowsOf({ size: 1, of: ([eta]) => [0.4 + eta] }, 'representation', trial);
        const verdict = certifyRepresentations(rows, request);
        return claimsMoreThan(verdict.predicted === 0 ? 0.4 : -0.4, verdict);
      },
      oneBound(level, 0.4),
    );
  });

  it('a head that fails on either side of the box: class 0 where |z| > 1/2, a median of 0', () => {
    const head = headOf(
      -1,
      [[1], [-1]],
      [
        [0, 2],
        [0, 0],
      ],
    );
    const request = { selection: 'separate', head, selectionMedian: Float32Array.of(1) } as const;
    const width = 1e-3;
    const step: Draw = { size: 1, of: ([eta]) => [Math.abs(eta) < width ? 0 : Math.sign(eta)] };
    expectCoverage(
      (trial) => claimsMoreThan(-1, certifyRepresentations(rowsOf(step, 'either side', trial), request)),
      2 * oneBound(alpha / 2, -width),
    );
  });

  it('eight coordinates that fail apart, each enough for a false claim', () => {
    const head = headOf(-1, [Array<number>(8).fill(2), Array<number>(8).fill(0)]);
    const request = { selection: 'separate', head, selectionMedian: new Float32Array(8).fill(1) } as const;
    const steps: Draw = { size: 8, of: (eta) => Array.from(eta, (e) => (e > 0 ? 1 : 0)) };
    expectCoverage(
      (trial) => claimsMoreThan(0, certifyRepresentations(rowsOf(steps, 'eight', trial), request)),
      1 - (1 - oneBound(alpha / 16, 0)) ** 8,
    );
  });

  it('with the class from the same draws, a coordinate on its boundary: false both ways', () => {
    const request = { selection: 'shared', head: SIGN_HEAD, selectionMedian: new Float32Array(0) } as const;
    const step: Draw = { size: 1, of: ([eta]) => [Math.sign(eta)] };
    expectCoverage(
      (trial) => claimsMoreThan(0, certifyRepresentations(rowsOf(step, 'sign', trial), request)),
      2 * oneBound(alpha / 4, 0),
    );
  });
});
