import { describe, it } from 'vitest';
import { labelVerdict, type LabelCounts } from '../../../src/main/math/certificates/label.ts';
import { logitVerdict, searchLogitBox, type LogitBox } from '../../../src/main/math/certificates/logit.ts';
import { pairwiseVerdict, type PairwiseWins } from '../../../src/main/math/certificates/pairwise.ts';
import {
  representationVerdict,
  searchRepresentations,
  type RepresentationBoxEvidence,
} from '../../../src/main/math/certificates/representation.ts';
import { boxOfIndex, largestRadiusIndex, mediansOfSorted } from '../../../src/main/math/certificates/search.ts';
import { countVotes, countWins, worstWins } from '../../../src/main/math/certificates/votes.ts';
import type { DenseHead } from '../../../src/main/math/head.ts';
import { smallestDrawsThatCertify } from '../../../src/main/math/orderStatistics.ts';
import { PAPER_DRAWS } from '../evidence.ts';
import { expectRefusal, rows } from '../refusal.ts';

/** Evidence that each certificate takes; a row below spoils one thing. */
const LABEL: LabelCounts = {
  ...PAPER_DRAWS,
  selectionCounts: Int32Array.of(100, 0, 0),
  counts: Int32Array.of(500, 0, 0),
};
const PAIRWISE: PairwiseWins = {
  ...PAPER_DRAWS,
  selectionWorstWins: Int32Array.of(100, 0, 0),
  wins: Int32Array.of(500, 490, 480),
};
const LOGIT: LogitBox = {
  ...PAPER_DRAWS,
  logitTest: 'pairs',
  selectionMedian: Float32Array.of(2, 0),
  k: 100,
  lower: Float32Array.of(1, -1),
  upper: Float32Array.of(3, 0),
};
const REPRESENTATION: RepresentationBoxEvidence = {
  ...PAPER_DRAWS,
  selectionMedian: Float32Array.of(2),
  median: Float32Array.of(2),
  k: 100,
  lower: Float32Array.of(1),
  upper: Float32Array.of(3),
};
const HEAD: DenseHead = {
  constraint: 'none',
  bound: 1,
  groupSize: 1,
  layers: [{ inputs: 1, outputs: 2, weight: Float32Array.of(1, -1), bias: new Float32Array(2) }],
};
const represent = (change: Partial<RepresentationBoxEvidence>, head: DenseHead = HEAD) =>
  representationVerdict({ ...REPRESENTATION, ...change }, head, 'interval');

describe('verdicts', () => {
  it.each(
    rows([
      ...[0, -1, NaN, Infinity].flatMap(
        (sigma) =>
          [
            [`label certificate: got sigma ${sigma}`, () => labelVerdict({ ...LABEL, sigma })],
            [`pairwise certificate: got sigma ${sigma}`, () => pairwiseVerdict({ ...PAIRWISE, sigma })],
            [`logit certificate: got sigma ${sigma}`, () => logitVerdict({ ...LOGIT, sigma })],
            [`representation certificate: got sigma ${sigma}`, () => represent({ sigma })],
          ] as const,
      ),
      ...[0, 1, NaN].flatMap(
        (alpha) =>
          [
            [`label level: got alpha ${alpha}`, () => labelVerdict({ ...LABEL, alpha })],
            [`pairwise level: got alpha ${alpha}`, () => pairwiseVerdict({ ...PAIRWISE, alpha })],
            [`logit level: got alpha ${alpha}`, () => logitVerdict({ ...LOGIT, alpha })],
            [`representation level: got alpha ${alpha}`, () => represent({ alpha })],
          ] as const,
      ),
      ['Clopper–Pearson bound: got 500.5 trials', () => labelVerdict({ ...LABEL, draws: 500.5 })],
      ['order statistic: got NaN draws', () => logitVerdict({ ...LOGIT, draws: NaN })],
      ['order statistic: got 0 draws', () => represent({ draws: 0 })],
    ]),
  )('refuse: $says', expectRefusal);
});

describe('counts', () => {
  const counts = (...values: number[]) => Int32Array.from(values);

  it.each(
    rows([
      ['label certificate: got counts of 1 classes', () => labelVerdict({ ...LABEL, counts: counts(500) })],
      ['label certificate: got a count of -1 for class 1', () => labelVerdict({ ...LABEL, counts: counts(0, -1, 0) })],
      [
        'label certificate: got a count of 501 for class 0',
        () => labelVerdict({ ...LABEL, counts: counts(501, 0, 0) }),
      ],
      [
        'label certificate: got 501 votes over 3 classes',
        () => labelVerdict({ ...LABEL, counts: counts(300, 200, 1) }),
      ],
      [
        'label certificate: got 500 votes over 3 classes and a selection over 2',
        () => labelVerdict({ ...LABEL, selectionCounts: counts(100, 0) }),
      ],
      ['pairwise certificate: got counts of 1 classes', () => pairwiseVerdict({ ...PAIRWISE, wins: counts(500) })],
      [
        'pairwise certificate: got a count of 501 for class 1',
        () => pairwiseVerdict({ ...PAIRWISE, wins: counts(500, 501, 0) }),
      ],
      [
        'pairwise certificate: got 490 wins of class 1 against itself',
        () => pairwiseVerdict({ ...PAIRWISE, selectionWorstWins: counts(0, 100, 0) }),
      ],
      [
        'pairwise certificate: got 500 wins of class 0 against itself and a selection over 2 classes',
        () => pairwiseVerdict({ ...PAIRWISE, selectionWorstWins: counts(100, 0) }),
      ],
      ...[0, 1, 1.5, 4].flatMap(
        (classes) =>
          [
            [
              `counting votes: got 9 logits, expected whole rows of ${classes}`,
              () => countVotes(new Float32Array(9), classes),
            ],
            [
              `counting wins: got 9 logits, expected whole rows of ${classes}`,
              () => countWins(new Float32Array(9), classes, 0),
            ],
          ] as const,
      ),
      ['counting wins: got 9 logits', () => worstWins(new Float32Array(9), 2)],
      ...[-1, 3, 0.5].map(
        (c) => [`counting wins: got class ${c}`, () => countWins(new Float32Array(9), 3, c)] as const,
      ),
    ]),
  )('refuse: $says', expectRefusal);
});

describe('boxes', () => {
  const sorted = { sortedColumns: new Float32Array(20), draws: 10 };
  const selection = { selection: 'separate', selectionMedian: new Float32Array(2) } as const;
  /** Named in the message: from so many draws on there is a smaller index. */
  const enoughForPairs = smallestDrawsThatCertify(1e-4 / 2);

  it.each(
    rows([
      [
        'logit certificate: got a upper bound of 3 entries',
        () => logitVerdict({ ...LOGIT, upper: new Float32Array(3) }),
      ],
      [
        'logit certificate: got a selection median of 0 entries',
        () => logitVerdict({ ...LOGIT, selectionMedian: new Float32Array(0) }),
      ],
      [
        'logit certificate: got lower bound 1 of logit 0, expected at most its upper bound 0.5',
        () => logitVerdict({ ...LOGIT, upper: Float32Array.of(0.5, 0) }),
      ],
      ['order statistic: got index 0 of 500 draws', () => logitVerdict({ ...LOGIT, k: 0 })],
      ['order statistic: got index 251 of 500 draws', () => represent({ k: 251 })],
      ['logit certificate: got index 250 of 500 draws', () => logitVerdict({ ...LOGIT, k: 250 })],
      [
        `a smaller index, which exists from ${enoughForPairs} draws on`,
        () => logitVerdict({ ...LOGIT, k: 5, draws: 10 }),
      ],
      ['representation certificate: got index 250 of 500 draws', () => represent({ k: 250 })],
      ['representation certificate: got a median of 2 entries', () => represent({ median: new Float32Array(2) })],
      ['representation certificate: got a lower bound of 2 entries', () => represent({ lower: new Float32Array(2) })],
      ['representation certificate: got a upper bound of 0 entries', () => represent({ upper: new Float32Array(0) })],
      [
        'representation certificate: got a selection median of 0 entries',
        () => represent({ selectionMedian: new Float32Array(0) }),
      ],
      ...[0.5, 3.5].map(
        (value) =>
          [
            `representation certificate: got median ${value} at coordinate 0, expected it in the box [1, 3]`,
            () => represent({ median: Float32Array.of(value) }),
          ] as const,
      ),
      ['representation certificate: got a head of 0 layers', () => represent({}, { ...HEAD, layers: [] })],
      ...[0, 6, 1.5, NaN].map(
        (k) => [`box of order statistics: got index ${k} of 10 draws`, () => boxOfIndex(sorted, k)] as const,
      ),
      ...[0, 3, 0.5].flatMap(
        (draws) =>
          [
            [
              `box of order statistics: got 20 values, expected whole columns of ${draws}`,
              () => boxOfIndex({ ...sorted, draws }, 1),
            ],
            [`medians: got 20 values, expected whole columns of ${draws}`, () => mediansOfSorted({ ...sorted, draws })],
          ] as const,
      ),
      ...[0, -1, 1.5, NaN].flatMap(
        (largestIndex) =>
          [
            [`got largest usable index ${largestIndex}`, () => largestRadiusIndex(largestIndex, () => true)],
            [`got largest usable index ${largestIndex}`, () => searchLogitBox({ sorted, ...selection, largestIndex })],
          ] as const,
      ),
      [
        'logits: got a representation of 2 entries',
        () => searchRepresentations({ sorted, ...selection, largestIndex: 1 }, HEAD).find('interval'),
      ],
    ]),
  )('refuse: $says', expectRefusal);
});
