import { describe, it } from 'vitest';
import { betaQuantileLower, betaQuantileUpper } from '../../src/main/math/betaQuantile.ts';
import { propagatedMargins } from '../../src/main/math/boxPropagation.ts';
import { clopperPearsonLower } from '../../src/main/math/clopperPearson.ts';
import { groupSort } from '../../src/main/math/groupSort.ts';
import { headLogits, type DenseHead } from '../../src/main/math/head.ts';
import { betaTails } from '../../src/main/math/incompleteBeta.ts';
import { labelLevel, logitLevel, pairwiseLevel, representationLevel } from '../../src/main/math/levels.ts';
import { MARGIN_RULES } from '../../src/main/math/marginRules.ts';
import { normalQuantile, normalQuantileLower, normalQuantileUpper } from '../../src/main/math/normal.ts';
import {
  largestUsableIndex,
  medianOfSorted,
  orderStatisticEpsilon,
  radiusTable,
  smallestDrawsForLabel,
  smallestDrawsThatCertify,
} from '../../src/main/math/orderStatistics.ts';
import { deriveKey, fillStandardNormal, philox4x32, shuffledIndices } from '../../src/main/math/philox.ts';
import { wilsonInterval } from '../../src/main/math/wilson.ts';
import { expectRefusal, rows } from './refusal.ts';

const separate = { alpha: 0.01, selection: 'separate' } as const;

describe('numbers', () => {
  it.each(
    rows([
      ...[-0.1, 1.1, NaN].map((x) => [`incomplete beta: got x = ${x}`, () => betaTails(x, 1, 1)] as const),
      ['incomplete beta: got parameters a = 0 and b = 1', () => betaTails(0.5, 0, 1)],
      ['incomplete beta: got parameters a = 1 and b = 1.5', () => betaTails(0.5, 1, 1.5)],
      ...[0, 1, -1, 1e-251, NaN].flatMap(
        (tail) =>
          [
            [`beta quantile, rounded down: got tail probability ${tail}`, () => betaQuantileLower(tail, 2, 3)],
            [`beta quantile, rounded up: got tail probability ${tail}`, () => betaQuantileUpper(tail, 2, 3)],
          ] as const,
      ),
      ...[0, -1, 1.5, NaN].flatMap(
        (a) =>
          [1, 2].flatMap((b) => [
            [`beta quantile, rounded down: got parameters a = ${a} and b = ${b}`, () => betaQuantileLower(0.1, a, b)],
            [`beta quantile, rounded down: got parameters a = ${b} and b = ${a}`, () => betaQuantileLower(0.1, b, a)],
            [`beta quantile, rounded up: got parameters a = ${a} and b = ${b}`, () => betaQuantileUpper(0.1, a, b)],
            [`beta quantile, rounded up: got parameters a = ${b} and b = ${a}`, () => betaQuantileUpper(0.1, b, a)],
          ]) as [string, () => unknown][],
      ),
      ...[0, 1, -0.5, 1.5, NaN].flatMap((p) =>
        [normalQuantile, normalQuantileLower, normalQuantileUpper].map(
          (quantile) => [`normal quantile: got p = ${p}`, () => quantile(p)] as const,
        ),
      ),
      ['Clopper–Pearson bound: got 0 trials', () => clopperPearsonLower(0, 0, 0.1)],
      ['Clopper–Pearson bound: got 1.5 trials', () => clopperPearsonLower(1, 1.5, 0.1)],
      ['Clopper–Pearson bound: got -1 successes', () => clopperPearsonLower(-1, 9, 0.1)],
      ['Clopper–Pearson bound: got 10 successes', () => clopperPearsonLower(10, 9, 0.1)],
      ['Clopper–Pearson bound: got NaN successes', () => clopperPearsonLower(NaN, 9, 0.1)],
      ['got tail probability 0', () => clopperPearsonLower(5, 9, 0)],
      ['Wilson interval: got 1 successes in 0 trials', () => wilsonInterval(1, 0)],
      ['Wilson interval: got 3 successes in 2 trials', () => wilsonInterval(3, 2)],
      ['Wilson interval: got -1 successes in 2 trials', () => wilsonInterval(-1, 2)],
      ['Wilson interval: got 0.5 successes in 2 trials', () => wilsonInterval(0.5, 2)],
      ...[0, 1, NaN].map((c) => [`Wilson interval: got confidence ${c}`, () => wilsonInterval(1, 2, c)] as const),
    ]),
  )('refuses: $says', expectRefusal);
});

describe('order statistics and levels', () => {
  it.each(
    rows([
      ...[0, -1, 1.5, 6, NaN].map(
        (k) => [`order statistic: got index ${k} of 10 draws`, () => orderStatisticEpsilon(k, 10, 0.1)] as const,
      ),
      ['order statistic: got 0 draws', () => orderStatisticEpsilon(1, 0, 0.1)],
      ['largest usable index: got 2.5 draws', () => largestUsableIndex(2.5, 0.1)],
      ['largest usable index: got 0 draws', () => radiusTable(0, 0.1)],
      ['median: got 0 draws', () => medianOfSorted(new Float32Array(0))],
      ...[0, 1, 2, NaN].flatMap(
        (level) =>
          [
            [`got tail probability ${level}`, () => largestUsableIndex(10, level)],
            [`got tail probability ${level}`, () => smallestDrawsThatCertify(level)],
            [`got tail probability ${level}`, () => smallestDrawsForLabel(level)],
          ] as const,
      ),
      ...[0, 1, -1, NaN].flatMap(
        (alpha) =>
          [
            [`label level: got alpha ${alpha}`, () => labelLevel({ ...separate, alpha, classes: 2 })],
            [`pairwise level: got alpha ${alpha}`, () => pairwiseLevel({ ...separate, alpha, classes: 2 })],
            [
              `representation level: got alpha ${alpha}`,
              () => representationLevel({ ...separate, alpha, dimension: 2 }),
            ],
            [
              `logit level: got alpha ${alpha}`,
              () => logitLevel({ ...separate, alpha, classes: 2, logitTest: 'pairs' }),
            ],
          ] as const,
      ),
      ...[0, 1.5, NaN].flatMap(
        (count) =>
          [
            [`label level: got classes ${count}`, () => labelLevel({ ...separate, classes: count })],
            [`pairwise level: got classes ${count}`, () => pairwiseLevel({ ...separate, classes: count })],
            [
              `representation level: got dimension ${count}`,
              () => representationLevel({ ...separate, dimension: count }),
            ],
            [
              `logit level: got classes ${count}`,
              () => logitLevel({ ...separate, classes: count, logitTest: 'bonferroni' }),
            ],
          ] as const,
      ),
    ]),
  )('refuses: $says', expectRefusal);
});

/** 4 → 4 → 3 */
const layers = [4, 3].map((outputs) => ({
  inputs: 4,
  outputs,
  weight: new Float32Array(4 * outputs),
  bias: new Float32Array(outputs),
}));
const HEAD: DenseHead = { constraint: 'wn', bound: 1, groupSize: 2, layers };
const POINT = [0, 0, 0, 0];
const BOX = { median: POINT, lower: POINT, upper: POINT };
const withLayer = (at: number, change: Partial<DenseHead['layers'][number]>): DenseHead => ({
  ...HEAD,
  layers: layers.map((layer, i) => (i === at ? { ...layer, ...change } : layer)),
});

const BROKEN_HEADS: readonly (readonly [string, DenseHead])[] = [
  ['got a head of 0 layers', { ...HEAD, layers: [] }],
  ['got 15 weights and 4 biases in layer 1', withLayer(0, { weight: new Float32Array(15) })],
  ['got 12 weights and 4 biases in layer 2', withLayer(1, { bias: new Float32Array(4) })],
  ['got 5 inputs in layer 2', withLayer(1, { inputs: 5, weight: new Float32Array(15) })],
];

describe('heads and boxes', () => {
  const rules = Object.entries(MARGIN_RULES);

  it.each(
    rows([
      ...[0, -2, 1.5, 3, NaN].map(
        (size) => [`GroupSort: got group size ${size}`, () => groupSort(new Float64Array(4), size)] as const,
      ),
      ['GroupSort: got group size 3', () => headLogits({ ...HEAD, groupSize: 3 }, POINT)],
      ['GroupSort: got group size 3', () => propagatedMargins({ ...HEAD, groupSize: 3 }, BOX, 0)],
      ...BROKEN_HEADS.flatMap(
        ([says, head]) =>
          [
            [`logits: ${says}`, () => headLogits(head, POINT)],
            [`interval margins: ${says}`, () => propagatedMargins(head, BOX, 0)],
            ...rules.map(([, rule]) => [says, () => rule(head, BOX, 0)] as const),
          ] as const,
      ),
      ['logits: got a representation of 3 entries', () => headLogits(HEAD, [0, 0, 0])],
      ...[-1, 3, 0.5, NaN].flatMap((c) =>
        rules.map(([, rule]) => [`got class ${c}`, () => rule(HEAD, BOX, c)] as const),
      ),
      ...(['lower', 'upper'] as const).flatMap((side) =>
        rules.map(
          ([, rule]) =>
            [`got a ${side} bound of 3 entries`, () => rule(HEAD, { ...BOX, [side]: [0, 0, 0] }, 0)] as const,
        ),
      ),
      ...rules
        .filter(([name]) => name !== 'interval' && name !== 'linear')
        .map(
          ([, rule]) => ['got a median of 5 entries', () => rule(HEAD, { ...BOX, median: [...POINT, 0] }, 0)] as const,
        ),
      [
        'interval margins: got lower bound 1 at coordinate 2, expected at most the upper bound 0',
        () => propagatedMargins(HEAD, { lower: [0, 0, 1, 0], upper: POINT }, 0),
      ],
      ['paper rule: got constraint "none"', () => MARGIN_RULES.paper({ ...HEAD, constraint: 'none' }, BOX, 0)],
    ]),
  )('refuses: $says', expectRefusal);
});

describe('random streams', () => {
  it.each(
    rows([
      ['Philox: got a counter of 3 and a key of 2 words', () => philox4x32(new Uint32Array(3), new Uint32Array(2))],
      ['Philox: got a counter of 4 and a key of 1 words', () => philox4x32(new Uint32Array(4), new Uint32Array(1))],
      ...[-1, 0.5, NaN, 2 ** 53].flatMap(
        (value) =>
          [
            [
              `standard normals: got first counter ${value}`,
              () => fillStandardNormal(new Float32Array(4), [0, 0], value),
            ],
            [`shuffle: got count ${value}`, () => shuffledIndices(value, [0, 0])],
            [`key derivation: got seed ${value}`, () => deriveKey(value)],
            [`key derivation: got numeric label ${value}`, () => deriveKey(0, 'draw', value)],
          ] as const,
      ),
      ['shuffle: got 2147483648 indices', () => shuffledIndices(2 ** 31, [0, 0])],
    ]),
  )('refuses: $says', expectRefusal);
});
