// How often certificates are false on classifiers whose truth is known, at an alpha so large that it shows. Must hold: no more often than
// alpha, by a one-sided binomial test, for every method, selection and kind of noise. Two families of classifiers: random linear ones, and
// the worst that are known, which a level too generous by a factor of two fails at once.
import { labelVerdict } from '../../src/main/math/certificates/label.ts';
import { logitVerdict, searchLogitBox } from '../../src/main/math/certificates/logit.ts';
import { pairwiseVerdict } from '../../src/main/math/certificates/pairwise.ts';
import { representationVerdict, searchRepresentations } from '../../src/main/math/certificates/representation.ts';
import { mediansOfSorted } from '../../src/main/math/certificates/search.ts';
import type { CertificateDraws, CertificateVerdict } from '../../src/main/math/certificates/verdict.ts';
import { countVotes, countWins, pairwiseCandidate, worstWins } from '../../src/main/math/certificates/votes.ts';
import { headLogits, type DenseHead } from '../../src/main/math/head.ts';
import { betaTails } from '../../src/main/math/incompleteBeta.ts';
import { logitLevel, representationLevel, type LogitTest, type Selection } from '../../src/main/math/levels.ts';
import { fillLatticeNormal } from '../../src/main/math/lattice/latticeNormal.ts';
import type { NoiseKind } from '../../src/main/math/lattice/lattice.ts';
import { largestUsableIndex } from '../../src/main/math/orderStatistics.ts';
import { deriveKey, fillStandardNormal } from '../../src/main/math/philox.ts';
import type { Attack } from '../attack.ts';

const ALPHA = 0.05;
const DRAWS = 100;
const SELECTION_DRAWS = 20;
/** That a sound method fails the test by chance, for each case. */
const FALSE_ALARM = 1e-6;

/** A classifier f(x) = x with a head, at x = 0, and how far each class is true. */
interface Problem {
  readonly head: DenseHead;
  readonly dimension: number;
  /** σ-free: the noise has σ = 1. Not positive where the class is not the smoothed prediction. */
  readonly trueRadius: (c: number) => number;
}
type Family = (seed: number, trial: number) => Problem;

const headOf = (dimension: number, weight: ArrayLike<number>, bias: ArrayLike<number>): DenseHead => ({
  constraint: 'none',
  bound: 1,
  groupSize: 1,
  layers: [
    { inputs: dimension, outputs: bias.length, weight: Float32Array.from(weight), bias: Float32Array.from(bias) },
  ],
});

/** min_j (h_c − h_j)/‖W_c − W_j‖₂ at 0: exact for all methods but label, whose radius is at most that. */
function linearRadius({ layers: [{ inputs, outputs, weight, bias }] }: DenseHead, c: number): number {
  let least = Infinity;
  for (let j = 0; j < outputs; j++) {
    if (j === c) continue;
    let squares = 0;
    for (let i = 0; i < inputs; i++) squares += (weight[c * inputs + i] - weight[j * inputs + i]) ** 2;
    least = Math.min(least, (bias[c] - bias[j]) / Math.sqrt(squares));
  }
  return least;
}

const problem = (head: DenseHead): Problem => ({
  head,
  dimension: head.layers[0].inputs,
  trueRadius: (c) => linearRadius(head, c),
});

const FAMILIES: Readonly<Record<string, Family>> = {
  'random, 4 classes in 3 dimensions': (seed, trial) => {
    const numbers = new Float32Array(16);
    fillStandardNormal(numbers, deriveKey(seed, 'coverage problem', trial), 0);
    return problem(headOf(3, numbers.subarray(0, 12), numbers.subarray(12)));
  },
  // One duel: every draw counts, and the two logits fail together.
  'a duel at 0.4 sigma': () => problem(headOf(1, [1, -1], [0.4, -0.4])),
  // Certified only if false: whoever is chosen is as good as the other.
  'two classes on their boundary': () => problem(headOf(1, [1, -1], [0, 0])),
  'a duel at 1.2 sigma': () => problem(headOf(1, [1, 0], [1.2, 0])),
};

interface Sampled {
  readonly problem: Problem;
  readonly facts: CertificateDraws;
  /** [n₀, D] and [n, D] */
  readonly selected: Float32Array;
  readonly estimated: Float32Array;
}

function noiseOf(kind: NoiseKind, size: number, key: readonly [number, number]): Float32Array {
  const out = new Float32Array(size);
  if (kind === 'lattice') fillLatticeNormal(out, { key, counterLow: 0, sigma: 1 });
  else fillStandardNormal(out, key, 0);
  return out;
}

function sortedColumnsOf(rows: Float32Array, columns: number): Float32Array {
  const draws = rows.length / columns;
  const sorted = new Float32Array(rows.length);
  for (let i = 0; i < columns; i++) {
    for (let s = 0; s < draws; s++) sorted[i * draws + s] = rows[s * columns + i];
    sorted.subarray(i * draws, (i + 1) * draws).sort();
  }
  return sorted;
}

const sortedOf = (rows: Float32Array, columns: number) => ({
  sortedColumns: sortedColumnsOf(rows, columns),
  draws: rows.length / columns,
});

function logitsOf(rows: Float32Array, { head, dimension }: Problem): { logits: Float32Array; classes: number } {
  const classes = head.layers[0].outputs;
  const draws = rows.length / dimension;
  const logits = new Float32Array(draws * classes);
  for (let s = 0; s < draws; s++)
    logits.set(headLogits(head, rows.subarray(s * dimension, (s + 1) * dimension)), s * classes);
  return { logits, classes };
}

type Method = (sampled: Sampled) => CertificateVerdict;

const label: Method = ({ problem: of, facts, selected, estimated }) => {
  const { logits, classes } = logitsOf(estimated, of);
  const counts = countVotes(logits, classes);
  const selectionCounts = facts.selection === 'shared' ? counts : countVotes(logitsOf(selected, of).logits, classes);
  return labelVerdict({ ...facts, selectionCounts, counts });
};

const pairwise: Method = ({ problem: of, facts, selected, estimated }) => {
  const { logits, classes } = logitsOf(estimated, of);
  const chosenOn = facts.selection === 'shared' ? logits : logitsOf(selected, of).logits;
  const selectionWorstWins = worstWins(chosenOn, classes);
  const wins = countWins(logits, classes, pairwiseCandidate(selectionWorstWins));
  return pairwiseVerdict({ ...facts, selectionWorstWins, wins });
};

const logit =
  (logitTest: LogitTest): Method =>
  ({ problem: of, facts, selected, estimated }) => {
    const { logits, classes } = logitsOf(estimated, of);
    const selectionMedian = mediansOfSorted(sortedOf(logitsOf(selected, of).logits, classes));
    const largestIndex = usable(logitLevel({ ...facts, classes, logitTest }));
    const search = { sorted: sortedOf(logits, classes), selection: facts.selection, selectionMedian, largestIndex };
    return logitVerdict({ ...facts, logitTest, selectionMedian, ...searchLogitBox(search) });
  };

const representation: Method = ({ problem: { head, dimension }, facts, selected, estimated }) => {
  const selectionMedian = mediansOfSorted(sortedOf(selected, dimension));
  const largestIndex = usable(representationLevel({ ...facts, dimension }));
  const search = { sorted: sortedOf(estimated, dimension), selection: facts.selection, selectionMedian, largestIndex };
  const box = searchRepresentations(search, head).find('interval');
  return representationVerdict({ ...facts, selectionMedian, ...box }, head, 'interval');
};

const indices = new Map<number, number>();
function usable(level: number): number {
  const known = indices.get(level) ?? largestUsableIndex(DRAWS, level)!;
  indices.set(level, known);
  return known;
}

const METHODS: Readonly<Record<string, Method>> = {
  label,
  pairwise,
  'logit, pairs': logit('pairs'),
  'logit, bonferroni': logit('bonferroni'),
  representation,
};

/** P(at least this many of `trials` fail), each with probability α. */
const chanceOf = (failures: number, trials: number): number =>
  failures === 0 ? 1 : betaTails(ALPHA, failures, trials - failures + 1).lower;

export const coverage: Attack = {
  name: 'coverage',
  title: 'certificates of models with known answers are false as seldom as α says',
  count: 20_000,
  async run({ seed, count, say }, tally) {
    for (const [name, family] of Object.entries(FAMILIES)) {
      for (const selection of ['separate', 'shared'] as const) {
        for (const noise of ['float32', 'lattice'] as const) {
          for (const [method, { certified, wrong }] of tried(family, { seed, count, selection, noise })) {
            const what = `${name}; ${method}, ${selection}, ${noise}`;
            tally.add(`${what}: certified`, certified);
            tally.add(`${what}: false`, wrong);
            const chance = chanceOf(wrong, count);
            if (chance < FALSE_ALARM)
              tally.violation(`${what}: ${wrong} of ${count} are false, chance ${chance.toExponential(1)}`);
          }
          say(`${name}, ${selection}, ${noise}`);
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    }
  },
};

interface Trials {
  readonly seed: number;
  readonly count: number;
  readonly selection: Selection;
  readonly noise: NoiseKind;
}

/** All methods read the same draws of a trial, as in a run. */
function tried(
  family: Family,
  { seed, count, selection, noise }: Trials,
): Map<string, { certified: number; wrong: number }> {
  const results = new Map(Object.keys(METHODS).map((method) => [method, { certified: 0, wrong: 0 }]));
  for (let trial = 0; trial < count; trial++) {
    const of = family(seed, trial);
    const { dimension } = of;
    const inputs = noise === 'lattice' ? dimension : 0;
    const facts: CertificateDraws = { sigma: 1, alpha: ALPHA, draws: DRAWS, selection, noise, inputs };
    const selected = noiseOf(noise, SELECTION_DRAWS * dimension, deriveKey(seed, 'coverage selection', trial));
    const estimated = noiseOf(noise, DRAWS * dimension, deriveKey(seed, 'coverage estimation', trial));
    for (const [name, method] of Object.entries(METHODS)) {
      const verdict = method({ problem: of, facts, selected, estimated });
      if (verdict.outcome === 'abstained') continue;
      const result = results.get(name)!;
      result.certified++;
      if (verdict.radiusNormalised > of.trueRadius(verdict.predicted)) result.wrong++;
    }
  }
  return results;
}
