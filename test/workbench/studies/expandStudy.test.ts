import { describe, expect, it } from 'vitest';
import { expandStudy, type GridCell } from '../../../src/main/workbench/studies/expandStudy.ts';
import { headLabel } from '../../../src/main/workbench/stageKeys.ts';
import { TINY_STUDY, tinyStudy } from './tinyStudy.ts';

type Change = Readonly<Record<string, unknown>>;
const expand = (change: Change = {}): GridCell[] => expandStudy(tinyStudy(change).study);
const withBase = (change: Change): Change => ({ base: { ...TINY_STUDY.base, ...change } });

describe('refuses', () => {
  it.each<[string, Change, RegExp]>([
    ['an unknown key of the study', { cells: [] }, /cells: unknown key \(allowed: name, scale, base, transfers/],
    [
      'a procedure that there is not',
      { procedures: ['magic'] },
      /procedures\.0\.procedure: .*expected one of .*"normal".*got "magic"/,
    ],
    ['an empty grid', { seeds: [] }, /seeds: .*>=1 items/],
    [
      'a head twice',
      { heads: [TINY_STUDY.heads[0], TINY_STUDY.heads[0]] },
      /heads\.1: 1-layer none is in the list already \(heads\.0\); remove one/,
    ],
    [
      'a procedure twice under one name',
      { procedures: ['noise', { procedure: 'noise', source: { epsilon: 1 } }] },
      /procedures\.1: noise is in the list already.*give it a label/,
    ],
    ['a seed twice', { seeds: [1, 1] }, /seeds\.1: 1 is in the list already/],
    ['a σ twice', { sigmas: [0.1, 0.1] }, /sigmas\.1: 0\.1 is in the list already/],
    [
      'a σ in the base where the grid has some',
      { sigmas: [0.1], ...withBase({ certification: { sigma: 0.2 } }) },
      /base\.certification\.sigma: the grid gives it; remove it from the base/,
    ],
    ['a seed in the base', withBase({ seed: 1 }), /base\.seed: the grid gives it; remove it from the base/],
    ['a data set in the base', withBase({ source: { dataset: 'mnist' } }), /base\.source\.dataset: the grid gives it/],
    [
      'a procedure in the base',
      withBase({ training: { heads: { procedure: 'noise' } } }),
      /base\.training\.heads\.procedure: the grid gives it/,
    ],
    [
      "an extractor's head where each head has an extractor of its own",
      { extractors: 'own', ...withBase({ extractor: { preset: 'wrn-10-1', head: TINY_STUDY.heads[0] } }) },
      /base\.extractor\.head: the grid gives it/,
    ],
    [
      'heads trained by another procedure than the extractor',
      { procedures: [{ procedure: 'noise', heads: { procedure: 'normal' } }] },
      /procedures\.0\.heads\.procedure: a procedure trains extractor and heads alike/,
    ],
    [
      'an unknown key of the base, once for all runs',
      withBase({ sigma: 1 }),
      /cannot run:\n {2}sigma: unknown key \(allowed: name, seed.*\) – in all 2 runs$/,
    ],
    [
      'settings that do not fit one procedure, naming the run',
      { procedures: ['normal', { procedure: 'noise', source: { epsilon: -1 } }] },
      /training\.source\.epsilon: .*got -1\) – in fashion-mnist → mnist, noise$/,
    ],
    [
      'what cannot work together in one transfer, naming the run',
      {
        transfers: [...TINY_STUDY.transfers, { source: { dataset: 'mnist' }, target: { dataset: 'cifar10' } }],
        procedures: ['normal'],
      },
      /target\.dataset: got "cifar10" with 3 channels.* – in mnist → cifar10, normal$/,
    ],
  ])('%s', (_, change, message) => {
    expect(() => expand(change)).toThrow(message);
  });
});

describe('a grid', () => {
  it('with a shared extractor has a run for each transfer, seed and procedure, with all heads', () => {
    const cells = expand({ seeds: [3, 4] });
    expect(cells.map(({ name }) => name)).toEqual([
      'fashion-mnist → mnist, normal, seed 3',
      'fashion-mnist → mnist, noise, seed 3',
      'fashion-mnist → mnist, normal, seed 4',
      'fashion-mnist → mnist, noise, seed 4',
    ]);
    expect(cells.map(({ position }) => position)).toEqual([0, 1, 2, 3]);
    for (const { config } of cells) {
      expect(config.heads.map(headLabel)).toEqual(['1-layer none', '4-layer wn']);
      expect(headLabel(config.extractor.head)).toBe('1-layer none');
    }
    expect(cells[3].config).toMatchObject({ seed: 4, name: 'tiny study: fashion-mnist → mnist, noise, seed 4' });
  });

  it('where each head has an extractor of its own has a run a head, which the extractor is trained under', () => {
    const cells = expand({ extractors: 'own', procedures: ['noise'] });
    expect(cells.map(({ name }) => name)).toEqual([
      'fashion-mnist → mnist, noise, 1-layer none',
      'fashion-mnist → mnist, noise, 4-layer wn',
    ]);
    for (const { config } of cells) expect(config.heads).toEqual([config.extractor.head]);
  });

  it('trains extractor and heads by the procedure, with its own settings over those of the base', () => {
    const procedures = [{ procedure: 'noise', label: 'wide', source: { epsilon: 0.5 }, heads: { maxEpochs: 7 } }];
    const [{ procedure, config }] = expand({ procedures });
    expect(procedure).toBe('wide');
    expect(config.training.source).toMatchObject({
      procedure: 'noise',
      epsilon: 0.5,
      maxEpochs: 1,
      learningRate: 1e-3,
    });
    expect(config.training.heads).toMatchObject({ procedure: 'noise', epsilon: 0.1, maxEpochs: 7, learningRate: 1e-3 });
  });

  it('takes what a transfer says over the base', () => {
    const transfers = [
      { source: { dataset: 'mnist', trainingInstances: 50 }, target: { dataset: 'kmnist', size: 'native' } },
    ];
    const [{ transfer, config }] = expand({ transfers });
    expect(transfer).toBe('mnist (50 images) → kmnist (native size)');
    expect(config.source).toEqual({ dataset: 'mnist', trainingInstances: 50 });
    expect(config.target).toEqual({ dataset: 'kmnist', trainingInstances: 100, size: 'native' });
  });

  it('names folders as they are called, and by their paths where two are called the same', () => {
    const folder = (path: string, more = {}) => ({ dataset: { folder: path, channels: 1, ...more } });
    const imageSize = { height: 28, width: 20 };
    const transfers = [
      { source: folder('/a/photos'), target: folder('/b/drawings', { imageSize }) },
      { source: { dataset: 'mnist' }, target: folder('/b/photos') },
      { source: folder('/a/mnist'), target: folder('/a/drawings/') },
    ];
    expect(expand({ transfers, procedures: ['normal'] }).map(({ transfer }) => transfer)).toEqual([
      '/a/photos (grey) → /b/drawings (grey, 28×20)',
      'mnist → /b/photos (grey)',
      '/a/mnist (grey) → /a/drawings/ (grey)',
    ]);
    expect(expand({ transfers: [transfers[0]], procedures: ['normal'] })[0].name).toMatch(
      /^photos \(grey\) → drawings \(grey, 28×20\)/,
    );
  });
});

describe('several σ', () => {
  const cells = expand({ sigmas: [0.1, 0.25], ...withBase({ certification: { draws: 60 } }) });

  it('are runs of their own, which share what does not depend on σ and keep the rest of the certification', () => {
    expect(cells.map(({ sigma, procedure }) => [procedure, sigma])).toEqual([
      ['normal', 0.1],
      ['normal', 0.25],
      ['noise', 0.1],
      ['noise', 0.25],
    ]);
    for (const { sigma, config } of cells) expect(config.certification).toMatchObject({ sigma, draws: 60 });
    expect(cells[1].name).toBe('fashion-mnist → mnist, normal, σ 0.25');
  });

  it('one σ needs no name, none is the base’s', () => {
    expect(expand({ sigmas: [0.3] })[0]).toMatchObject({ name: 'fashion-mnist → mnist, normal', sigma: 0.3 });
    expect(expand()[0].sigma).toBeNull();
  });
});
