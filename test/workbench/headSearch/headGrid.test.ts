import { describe, expect, it } from 'vitest';
import { BadInput } from '../../../src/main/workbench/errors.ts';
import { DEFAULT_GRID, headsOfGrid, searchConfig } from '../../../src/main/workbench/headSearch/headGrid.ts';
import { planSearch } from '../../../src/main/workbench/headSearch/planSearch.ts';
import { headScores } from '../../../src/main/workbench/headSearch/headScores.ts';
import { headLabel, headScoreKey, planStages } from '../../../src/main/workbench/stageKeys.ts';
import { headSearchSchema } from '../../../src/shared/config.ts';
import { tinyConfig } from '../tinyExperiment.ts';

describe('a search is refused', () => {
  const MANY = Array.from({ length: 21 }, (_, i) => i);
  it.each([
    ['with a side without values', { grid: { layers: [] } }, 'grid.layers: expected at least one (got [])'],
    ['with a value twice', { grid: { weights: [5, 5] } }, 'grid.weights: expected each once (got [5,5])'],
    ['with more values than a run can hold', { grid: { weights: MANY } }, 'grid.weights: expected at most 20'],
    ['of a depth that no head has', { grid: { layers: [1, 3] } }, 'grid.layers.1: expected 1 or 4 (got 3)'],
    ['of a λ below 0', { grid: { weights: [-1] } }, 'grid.weights.0: '],
    ['of a temperature that is no number', { grid: { temperatures: ['x'] } }, 'grid.temperatures.0: '],
    ['with a bank whose draws cannot be consistent', { grid: { draws: 1 } }, 'grid.draws: got 1, expected at least 2'],
    [
      'with too few draws to certify',
      { search: { draws: 13 } },
      'search.draws: got 13, with which no label certificate',
    ],
    ['with an option that there is not', { grid: { depth: [1] } }, 'grid.depth: unknown key (allowed: layers, '],
  ])('%s', (_, options, problem) => {
    const message = thrownBy(() => planSearch({ run: 1, config: tinyConfig() }, options));
    const [first, ...problems] = message.split('\n');
    expect(first).toBe('the head search is not valid:');
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });

  function thrownBy(work: () => unknown): string {
    try {
      work();
    } catch (error) {
      if (error instanceof BadInput) return error.message;
      throw error;
    }
    throw new Error('nothing was refused');
  }
});

it('a search without options is that of the default grid', () => {
  const config = tinyConfig();
  const search = headSearchSchema.parse({});
  expect(planSearch({ run: 7, config }, {})).toEqual(
    searchConfig(config, { name: 'head search on run 7', grid: DEFAULT_GRID, search }),
  );
});

it('every combination is a head of its own', () => {
  const heads = headsOfGrid(DEFAULT_GRID);
  expect(heads).toHaveLength(2 * 3 * 4 * 2);
  expect(new Set(heads.map(headLabel)).size).toBe(heads.length);
});

it('without a term λ makes no heads', () => {
  expect(headsOfGrid({ ...DEFAULT_GRID, objective: 'cross-entropy' })).toHaveLength(2 * 3 * 2);
});

describe('the experiment of a search', () => {
  const config = tinyConfig();
  const search = headSearchSchema.parse({});
  const searching = searchConfig(config, { name: 'search', grid: DEFAULT_GRID, search });
  const data = { source: 's', target: 't' };

  it('has the extractor of its experiment, and nothing is attacked or certified', () => {
    const plans = planStages(searching, data);
    expect(plans[0].key).toBe(planStages(config, data)[0].key);
    expect(new Set(plans.map(({ kind }) => kind))).toEqual(new Set(['extractor', 'head', 'prediction']));
    expect(plans.every(({ domain }) => domain !== 'source')).toBe(true);
  });

  it('trains a head that an experiment with it alone finds again', () => {
    const chosen = searching.heads[3];
    const keys = planStages({ ...config, heads: [chosen] }, data).map(({ key }) => key);
    expect(keys).toContain(planStages(searching, data).find(({ head }) => head === headLabel(chosen))!.key);
  });

  it('names a score by all that it depends on', () => {
    const head = planStages(searching, data)[1];
    const of = (change: Partial<typeof searching>): string => headScoreKey({ ...searching, ...change }, head);
    const certification = { ...searching.certification };
    expect(of({ instances: 7, name: 'other' })).toBe(of({}));
    expect(of({ certification: { ...certification, draws: 900 } })).toBe(of({}));
    const others = [
      of({ headSearch: { ...search, draws: 900 } }),
      of({ headSearch: { ...search, instances: 9 } }),
      of({ certification: { ...certification, sigma: 0.7 } }),
      of({ certification: { ...certification, alpha: 0.01 } }),
      of({ seed: 9 }),
    ];
    expect(new Set([...others, of({})]).size).toBe(6);
  });
});

it('a head that was in no search has no scores, whatever else is kept with it', () => {
  for (const metrics of [null, {}, { selfChecks: {} }, { scores: 'no' }]) expect(headScores({ metrics }).size).toBe(0);
});
