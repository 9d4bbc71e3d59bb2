import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { headSpecSchema, type ExperimentConfig } from '../../src/shared/config.ts';
import { parseConfig, withAssignments } from '../../src/main/workbench/loadConfig.ts';
import { dataKeys, headLabel, planStages } from '../../src/main/workbench/stageKeys.ts';

const demo: unknown = JSON.parse(readFileSync(new URL('../../resources/presets/demo.json', import.meta.url), 'utf8'));
const config = (...assignments: string[]): ExperimentConfig => parseConfig(withAssignments(demo, assignments), 'demo');
const DATA = { source: 'source files', target: 'target files' };
const SEARCHED = 'adversarialSearch.enabled=true';
const keysOf = (kind: string, ...assignments: string[]): string[] =>
  planStages(config(...assignments), DATA).flatMap((stage) => (stage.kind === kind ? [stage.key] : []));

describe('a stage key depends on what decides the result and on nothing else', () => {
  const KINDS = [
    'extractor',
    'head',
    'prediction',
    'noise-attack',
    'pgd',
    'adversarial-search',
    'certification',
  ] as const;
  const EVALUATED = KINDS.slice(2);
  it.each([
    ['name=other', []],
    ['certification.sigma=0.2', ['certification']],
    ['certification.noise=lattice', ['certification']],
    ['certification.noise=float32', []],
    ['certification.falsification.steps=7', ['certification']],
    ['certification.falsification.enabled=false', ['certification']],
    ['pgd.steps=7', ['pgd']],
    ['noiseAttack.shape=ball', ['noise-attack']],
    ['adversarialSearch.inputSearch=false', ['adversarial-search']],
    ['instances=100', EVALUATED],
    ['training.heads.learningRate=0.01', ['head', ...EVALUATED]],
    ['training.source.learningRate=0.01', KINDS],
    ['seed=9', KINDS],
  ])('%s changes %j', (assignment, changed) => {
    for (const kind of KINDS) {
      const before = keysOf(kind, SEARCHED);
      const after = keysOf(kind, SEARCHED, assignment);
      const target = kind === 'extractor' ? 0 : before.length - 1;
      expect(after[target] === before[target], kind).toBe(!(changed as readonly string[]).includes(kind));
    }
  });

  it('certificates without a search for falsifying points have the key of programs without it and without a switch', () => {
    const rules = 'certification.rules=["paper","lipschitz","interval"]';
    const off = keysOf('certification', rules, 'certification.falsification.enabled=false');
    expect(off[0]).toBe('2024ce0c0548ce873b7d27a6e983dffabbec8d5d20102ebe9028b41251c94913');
    expect(keysOf('certification', rules, 'certification.falsification={"enabled":false,"steps":7}')).toEqual(off);
  });

  it('another head leaves the extractor and the other heads alone', () => {
    const more = planStages({ ...config(), heads: [...config().heads, { ...config().heads[0], bound: 2 }] }, DATA);
    const before = planStages(config(), DATA).map(({ key }) => key);
    expect(more.map(({ key }) => key)).toEqual(expect.arrayContaining(before));
    expect(more).toHaveLength(before.length + 10);
  });

  it('PGD is not named by whether it is followed by other attacks, nor attacks by whether they are enabled', () => {
    const alone = keysOf('pgd', 'noiseAttack.enabled=false');
    expect(keysOf('pgd', SEARCHED)).toEqual(alone);
    expect(keysOf('noise-attack', 'noiseAttack.enabled=false')).toEqual([]);
    expect(keysOf('adversarial-search')).toEqual([]);
    for (const { inputs } of planStages(config(SEARCHED), DATA)) {
      for (const settings of ['noiseAttack', 'pgd', 'adversarialSearch']) {
        expect(inputs[settings] ?? {}).not.toHaveProperty('enabled');
      }
    }
  });

  it('adversarial representations are searched for on heads of one layer alone', () => {
    const heads = planStages(config(SEARCHED), DATA).flatMap(({ kind, domain, head }) =>
      kind === 'adversarial-search' ? [`${domain!} ${head!}`] : [],
    );
    expect(heads).toEqual(
      ['source', 'target'].flatMap((domain) =>
        ['none', 'wn', 'wn-l1, temperature 30'].map((constraint) => `${domain} 1-layer ${constraint}`),
      ),
    );
  });

  it('PGD keeps the key that the first version gave it, so that stored results are found again', () => {
    const first = {
      name: 'first',
      seed: 1,
      source: { dataset: 'fashion-mnist' },
      target: { dataset: 'mnist' },
      extractor: { preset: 'wrn-10-1' },
      training: {},
      heads: [{ layers: 1, constraint: 'none' }],
      pgd: { instances: 30 },
    };
    const keys = planStages(parseConfig(first, 'the first'), DATA).flatMap(({ kind, key }) =>
      kind === 'pgd' ? [key] : [],
    );
    expect(keys).toEqual([
      '2613b46ddea4fd47e558375c6fa3c2bc4a0151b964a6bad6fd0a449e7ae794be',
      'fb227d76882daf9a3d48f3ec42c93f2d70e104f02ae99bda27fc8035740db005',
    ]);
  });

  it('other target files leave the source alone', () => {
    const other = planStages(config(), { ...DATA, target: 'other files' });
    for (const [i, stage] of planStages(config(), DATA).entries()) {
      expect(other[i].key === stage.key, `${stage.kind} ${String(stage.domain)}`).toBe(stage.domain !== 'target');
    }
  });

  it('certification that is switched off leaves its stages out and every other key alone', () => {
    const all = planStages(config(), DATA);
    const without = planStages(config('certification.enabled=false'), DATA);
    expect(without.map(({ key }) => key)).toEqual(
      all.filter(({ kind }) => kind !== 'certification').map(({ key }) => key),
    );
    expect(without.length).toBeLessThan(all.length);
  });

  it('every key of a run is its own', () => {
    const keys = planStages(config(), DATA).map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('the data of a key', () => {
  const of = (fingerprint: string) => ({ fingerprint, classNames: ['a', 'b'], trainingImages: 7 });
  const keysFor = (...assignments: string[]) =>
    dataKeys(config(...assignments), { domains: { source: of('s'), target: of('t') } });

  // As in stores from before there were other sets than those of the catalogue.
  it('is of a known set the fingerprint and the subset, and nothing else', () => {
    const source = '{"fingerprint":"s","trainingInstances":"all"}';
    const target = '{"fingerprint":"t","trainingInstances":3000}';
    expect(keysFor('target.trainingInstances=3000')).toEqual({
      source,
      target: `{"size":"source","source":${source},"target":${target}}`,
    });
  });

  it('is of a folder its classes and size too, and not where it lies', () => {
    const { source } = keysFor('source.dataset={"folder":"/a"}');
    expect(source).toBe(
      '{"fingerprint":"s","folder":{"classNames":["a","b"],"trainingImages":7},"trainingInstances":"all"}',
    );
    expect(keysFor('source.dataset={"folder":"/b","channels":1}').source).toBe(source);
  });
});

describe('of a training, a key holds what its procedure reads', () => {
  const of = (procedure: string, ...more: string[]): string[] =>
    ['extractor', 'head'].map((kind) => {
      const both = ['source', 'heads'].map((part) => `training.${part}.procedure=${procedure}`);
      return keysOf(kind, ...both, ...more).at(-1)!;
    });
  const setting = (key: string, value: number): string[] =>
    ['source', 'heads'].map((part) => `training.${part}.${key}=${value}`);

  // Of stores made before there were other procedures: their stages are found again.
  it.each([
    [
      'normal',
      '6b26d30236ee8dbf327cbd330f8ac1d3502348ad4cadabb81c0952a7009bb5b4',
      '7aa1f4f04fa3c497c80b285e86fcfd6c5dae47a34544647a2b4caea4b15016f8',
    ],
    [
      'noise',
      '2bdebdbfc308110b1540a292589c84512621c3019fae58d2a3179ffa15146af2',
      '573260bcfe23aa3ec55b58e861876f6185527b3746bff905f8937d67c1f082c8',
    ],
  ])('%s: to the bit what it was', (procedure, ...keys) => {
    expect(of(procedure)).toEqual(keys);
  });

  const READS = {
    normal: [],
    noise: [],
    adv: ['attackSteps', 'relativeStep'],
    'adv-d': ['attackSteps', 'relativeStep', 'representationWeight'],
    'adv-s': ['attackSteps', 'relativeStep', 'noiseDraws', 'sigma'],
    gaussian: ['sigma'],
  } as const;
  it.each(Object.entries(READS))('%s reads %j', (procedure, read: readonly string[]) => {
    for (const key of ['attackSteps', 'relativeStep', 'representationWeight', 'noiseDraws', 'sigma']) {
      of(procedure, ...setting(key, 3)).forEach((changed, i) =>
        expect(changed !== of(procedure)[i], key).toBe(read.includes(key)),
      );
    }
    for (const [i, changed] of of(procedure, 'certification.sigma=0.7').entries()) {
      expect(changed !== of(procedure)[i], 'certification.sigma').toBe(['adv-s', 'gaussian'].includes(procedure));
    }
  });

  it('gaussian reads its consistency, and no epsilon', () => {
    const consistency = (value: string) => ['source', 'heads'].map((part) => `training.${part}.consistency=${value}`);
    const [plain, with10, with5] = [
      of('gaussian'),
      of('gaussian', ...consistency('{}')),
      of('gaussian', ...consistency('{"weight":5}')),
    ];
    expect(new Set([plain[0], with10[0], with5[0]]).size).toBe(3);
    expect(of('gaussian', ...setting('epsilon', 3))).toEqual(plain);
    expect(of('noise', ...consistency('{}'))).toEqual(of('noise'));
  });

  it('a default that is spelled out is the default', () => {
    expect(of('adv', ...setting('relativeStep', 0.25))).toEqual(of('adv'));
    expect(of('adv-s', ...setting('sigma', 0.1))).toEqual(of('adv-s'));
    expect(of('adv-s', ...setting('sigma', 0.7), 'certification.sigma=0.3')).toEqual(
      of('adv-s', ...setting('sigma', 0.7)),
    );
  });
});

it('a config from before there was a lattice keeps its keys', () => {
  const before = parseConfig(
    {
      ...{ name: 'x', source: { dataset: 'mnist' }, target: { dataset: 'kmnist' }, extractor: { preset: 'wrn-10-1' } },
      // Linear bounds came to another search in between.
      ...{
        training: {},
        heads: [{ layers: 1, constraint: 'none' }],
        certification: { rules: ['lipschitz', 'interval'] },
      },
    },
    'x',
  );
  const keys = planStages(before, { source: 'a', target: 'b' }).flatMap(({ kind, key }) =>
    kind === 'certification' ? [key] : [],
  );
  expect(keys).toEqual([
    '8180aa755db3eb0dece0f52f29063821b31539813740298339f18f0fa3d25501',
    '505f7e375e43d402828994465f76270b4df39f6c6c6986d1947d9847c0726770',
  ]);
});

describe('of a head with box training', () => {
  const HEAD = { layers: 4, constraint: 'none', boxTraining: {} };
  const keyOf = (...assignments: string[]): string =>
    keysOf('head', `heads=${JSON.stringify([HEAD])}`, ...assignments).at(-1)!;

  it.each(['sigma=0.2', 'draws=400', 'alpha=0.001', 'selection=shared'])(
    'a key holds certification.%s',
    (assignment) => {
      expect(keyOf(`certification.${assignment}`)).not.toBe(keyOf());
    },
  );

  it.each(['selectionDraws=50', 'logitTest=bonferroni', 'methods=["representation"]'])(
    'a key does not hold certification.%s',
    (assignment) => expect(keyOf(`certification.${assignment}`)).toBe(keyOf()),
  );

  it.each([
    [{}, '4-layer wn, box training'],
    [{ weight: 0.7 }, '4-layer wn, box training (weight 0.7)'],
    [
      { weight: 1, radius: 0.5, rampEpochs: 3, instances: 8 },
      '4-layer wn, box training (weight 1, radius 0.5 σ, ramp of 3, 8 images)',
    ],
  ])('a label names what differs from the defaults: %j', (box, label) => {
    expect(headLabel(headSpecSchema.parse({ ...HEAD, constraint: 'wn', boxTraining: box }))).toBe(label);
  });
});

describe('of a head with a draw bank', () => {
  const keyOf = (bank: object, ...assignments: string[]): string => {
    const head = { layers: 1, constraint: 'none', drawBank: bank };
    return keysOf('head', `heads=${JSON.stringify([head])}`, ...assignments).at(-1)!;
  };

  it.each([
    { draws: 8 },
    { drawsPerStep: 3 },
    { sigma: 0.2 },
    { objective: 'macer' },
    { objective: 'cross-entropy' },
    { weight: 3 },
    { precision: 'float16' },
  ])('a key holds %j', (bank) => expect(keyOf(bank)).not.toBe(keyOf({})));

  it('a key holds the noise of the certification, unless the bank has its own', () => {
    expect(keyOf({}, 'certification.sigma=0.3')).not.toBe(keyOf({}));
    expect(keyOf({ sigma: 0.2 }, 'certification.sigma=0.3')).toBe(keyOf({ sigma: 0.2 }));
  });

  it('a key does not hold what the objective and a bank do not read', () => {
    expect(keyOf({ gamma: 3, beta: 2 })).toBe(keyOf({}));
    expect(keyOf({ objective: 'cross-entropy', weight: 3 })).toBe(keyOf({ objective: 'cross-entropy' }));
    for (const other of ['procedure=adv', 'epsilon=3', 'sigma=0.7'])
      expect(keyOf({}, `training.heads.${other}`)).toBe(keyOf({}));
    expect(keyOf({}, 'training.heads.learningRate=0.5')).not.toBe(keyOf({}));
  });

  it('a default that is spelled out is the default', () => {
    expect(keyOf({ weight: 10, drawsPerStep: 2, sigma: 0.1 })).toBe(keyOf({}));
    expect(keyOf({ objective: 'macer', weight: 12, drawsPerStep: 16 })).toBe(keyOf({ objective: 'macer' }));
  });

  it.each([
    [{}, '1-layer none, draw bank'],
    [{ weight: 20 }, '1-layer none, draw bank (λ 20)'],
    [
      { objective: 'macer', draws: 8, sigma: 0.5, gamma: 4, beta: 1, precision: 'float16' },
      '1-layer none, draw bank (macer, 8 draws, σ 0.5, γ 4, β 1, float16)',
    ],
  ])('a label names what differs from the defaults: %j', (drawBank, label) => {
    expect(headLabel(headSpecSchema.parse({ layers: 1, constraint: 'none', drawBank }))).toBe(label);
  });
});

it('heads on one domain have the keys that they have on both', () => {
  const keys = (kind: string, ...assignments: string[]) => keysOf(kind, ...assignments);
  const [source, target] = [keys('head', 'headsOn=["source"]'), keys('head', 'headsOn=["target"]')];
  expect([...source, ...target]).toEqual(keys('head'));
});

it('a label names what differs from the defaults', () => {
  const head = { layers: 4, constraint: 'wn-l1', bound: 2, groupSize: 4, temperature: 30, hiddenWidth: 64 } as const;
  expect(headLabel(head)).toBe('4-layer wn-l1, bound 2, width 64, groups of 4, temperature 30');
  expect(headLabel({ layers: 1, constraint: 'none', bound: 3, groupSize: 2, temperature: 1 })).toBe('1-layer none');
});
