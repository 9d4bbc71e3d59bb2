import { describe, expect, it } from 'vitest';
import type { ExperimentConfigInput } from '../../src/shared/config.ts';
import { tinyConfig } from './tinyExperiment.ts';

const wn = { layers: 4, constraint: 'wn' } as const;
const none = { layers: 1, constraint: 'none' } as const;

describe('combinations that cannot work are refused before anything runs', () => {
  it.each<[string, Partial<ExperimentConfigInput>, RegExp]>([
    [
      'the rule paper alone for a head without a constraint',
      { certification: { rules: ['paper'] }, heads: [wn, none] },
      /certification\.rules: got \[paper\], of which none applies to heads\.1 with constraint "none".*wn or wn-l1.*add "interval" or "lipschitz"/,
    ],
    [
      'a group size that does not divide the hidden width',
      { heads: [{ ...wn, hiddenWidth: 10, groupSize: 4 }] },
      /heads\.0\.groupSize: got 4, which does not divide the hidden width 10; choose a divisor/,
    ],
    [
      'sets with different channels',
      { source: { dataset: 'svhn' }, target: { dataset: 'stl10' } },
      /target\.dataset: got "stl10" with 3 channels, the source "svhn" has 1/,
    ],
    [
      'the same head twice',
      { heads: [none, wn, none] },
      /heads\.2: "1-layer none" is in the list already \(heads\.0\)/,
    ],
    [
      'fewer draws than a label certificate needs',
      { certification: { draws: 13, methods: ['label'] } },
      /certification\.draws: got 13, with which no label certificate is possible at alpha 0\.0001; the smallest n that can certify is 14/,
    ],
    [
      'fewer draws than a logit certificate needs at the corrected level',
      { certification: { draws: 17, methods: ['logit'], logitTest: 'bonferroni' } },
      /no logit certificate is possible .*the smallest n that can certify is 18/,
    ],
    [
      'shared selection that needs more draws than separate',
      { certification: { draws: 14, methods: ['label'], selection: 'shared' } },
      /the smallest n that can certify is 17/,
    ],
  ])('%s', (_, change, message) => {
    expect(() => tinyConfig(change)).toThrow(message);
  });

  it('names every problem at once', () => {
    expect(() => tinyConfig({ heads: [none, none], certification: { draws: 5 } })).toThrow(
      /heads\.1[\s\S]*draws: got 5/,
    );
  });
});

describe('what can work passes', () => {
  it.each<[string, Partial<ExperimentConfigInput>]>([
    ['the smallest n that the refusal names', { certification: { draws: 22 } }],
    [
      'the rule paper beside another for a head without a constraint',
      { certification: { rules: ['paper', 'interval'] } },
    ],
    ['the rule paper alone where every head has a constraint', { heads: [wn], certification: { rules: ['paper'] } }],
    [
      'the rule paper alone where representations are not certified',
      { certification: { rules: ['paper'], methods: ['label'] } },
    ],
    [
      'draws and rules that could certify nothing, where nothing is certified',
      { certification: { enabled: false, draws: 5, rules: ['paper'] }, heads: [none] },
    ],
    ['a group size that one layer never uses', { heads: [{ ...none, hiddenWidth: 10, groupSize: 4 }] }],
  ])('%s', (_, change) => {
    expect(() => tinyConfig(change)).not.toThrow();
  });
});
