import { describe, expect, it } from 'vitest';
import type { ExperimentConfigInput } from '../../src/shared/config.ts';
import { fabricateFolder } from '../data/imageFolder/fabricate.ts';
import { emptyFolder, tinyConfig } from './tinyExperiment.ts';

const wn = { layers: 4, constraint: 'wn' } as const;
/** A ramp shorter than the tiny training. */
const SHORT = { rampEpochs: 1 };
const none = { layers: 1, constraint: 'none' } as const;
const SMALL = { height: 6, width: 6, train: 1, test: 1 } as const;
const two = { folder: fabricateFolder({ ...SMALL, channels: 1, classes: ['a', 'b'] }) };
const colour = { folder: fabricateFolder({ ...SMALL, channels: 3, classes: ['a', 'b'] }) };
const forty = {
  folder: fabricateFolder({ ...SMALL, channels: 1, classes: Array.from({ length: 40 }, (_, k) => `${k}`) }),
};

describe('combinations that cannot work are refused before anything runs', () => {
  it.each<[string, Partial<ExperimentConfigInput>, RegExp]>([
    [
      'the rule paper alone for a head without a constraint',
      { certification: { rules: ['paper'] }, heads: [wn, none] },
      /certification\.rules: got \[paper\], of which none applies to heads\.1 with constraint "none".*\(wn, wn-l1, spectral, bjorck\); add "interval" or another sound rule/,
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
      'a folder of RGB images after grey ones, with what the config could say',
      { target: { dataset: colour } },
      /target\.dataset: got "ptw-images-.*" with 3 channels, the source "fashion-mnist" has 1; .*or give "channels" beside "folder"/,
    ],
    [
      'a draw bank of the head that the extractor is trained under',
      { extractor: { preset: 'wrn-10-1', head: { ...none, drawBank: {} } } },
      /extractor\.head\.drawBank: got one, expected none: .*training\.source\.procedure "gaussian" to the extractor/,
    ],
    [
      'more draws a step than a bank has',
      { heads: [{ ...none, drawBank: { draws: 4, drawsPerStep: 5 } }] },
      /heads\.0\.drawBank\.drawsPerStep: got 5, expected at most the 4 of draws/,
    ],
    [
      'consistency of a single draw',
      { heads: [none, { ...none, drawBank: { draws: 1 } }] },
      /heads\.1\.drawBank\.draws: got 1, expected at least 2: a single draw is consistent with itself/,
    ],
    [
      'consistency of one draw a step',
      { heads: [{ ...none, drawBank: { drawsPerStep: 1 } }] },
      /heads\.0\.drawBank\.drawsPerStep: got 1, expected at least 2/,
    ],
    [
      'a folder that is not there',
      { source: { dataset: { folder: `${emptyFolder()}/none` } } },
      /looking through a folder of images \(.*none\): folder: got none/,
    ],
    [
      'fewer draws than the domain with more classes needs',
      {
        source: { dataset: two },
        target: { dataset: forty },
        certification: { draws: 18, methods: ['label'], selection: 'shared' },
      },
      /certification\.draws: got 18, .*the smallest n that can certify is 19/,
    ],
    [
      'the same head twice',
      { heads: [none, wn, none] },
      /heads\.2: "1-layer none" is in the list already \(heads\.0\)/,
    ],
    [
      'box training of the head that the extractor is trained under',
      { extractor: { preset: 'wrn-10-1', head: { ...none, boxTraining: {} } } },
      /extractor\.head\.boxTraining: got one, expected none: .*give it to a head of "heads"/,
    ],
    [
      'boxes of a radius beyond every index, naming the largest',
      { heads: [{ ...none, boxTraining: { ...SHORT, radius: 2 } }] },
      /heads\.0\.boxTraining\.radius: got 2, expected at most 0\.8101\d*, the largest radius in σ that 60 draws give at alpha 0\.0001/,
    ],
    [
      'boxes of too few draws for any index',
      { heads: [{ ...none, boxTraining: SHORT }], certification: { draws: 20, methods: ['label'] } },
      /heads\.0\.boxTraining\.radius: got 0, but 20 draws give no box at all at alpha 0\.0001; raise certification\.draws/,
    ],
    [
      'a ramp that never ends',
      { heads: [{ ...none, boxTraining: { instances: 8, rampEpochs: 3 } }] },
      /heads\.0\.boxTraining\.rampEpochs: got 3, expected less than training\.heads\.maxEpochs 3/,
    ],
    [
      'boxes of more images than train',
      { heads: [{ ...none, boxTraining: { ...SHORT, instances: 181 } }] },
      /heads\.0\.boxTraining\.instances: got 181, expected at most the 180 training images that source\.trainingInstances leaves/,
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
    ['box training of as many images as train', { heads: [{ ...none, boxTraining: { ...SHORT, instances: 180 } }] }],
    [
      'draws and rules that could certify nothing, where nothing is certified',
      { certification: { enabled: false, draws: 5, rules: ['paper'] }, heads: [none] },
    ],
    ['a folder of RGB images read as grey, after grey ones', { target: { dataset: { ...colour, channels: 1 } } }],
    [
      'as many draws as two classes need',
      {
        source: { dataset: two },
        target: { dataset: two },
        certification: { draws: 15, methods: ['label'], selection: 'shared' },
      },
    ],
    ['a group size that one layer never uses', { heads: [{ ...none, hiddenWidth: 10, groupSize: 4 }] }],
  ])('%s', (_, change) => {
    expect(() => tinyConfig(change)).not.toThrow();
  });
});
