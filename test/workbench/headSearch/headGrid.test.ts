import { describe, expect, it } from 'vitest';
import { DEFAULT_GRID, headsOfGrid, searchConfig } from '../../../src/main/workbench/headSearch/headGrid.ts';
import { headScores } from '../../../src/main/workbench/headSearch/headScores.ts';
import { headLabel, headScoreKey, planStages } from '../../../src/main/workbench/stageKeys.ts';
import { headSearchSchema } from '../../../src/shared/config.ts';
import { tinyConfig } from '../tinyExperiment.ts';

describe('refuses', () => {
  it.each([
    ['a side without values', { layers: [] }, /head search: got no layers, expected at least one/],
    ['a value twice', { weights: [5, 5] }, /got weights 5, 5, expected each once/],
    ['a depth that no head has', { layers: [3] }, /head search: layers: /],
    ['a λ below 0', { weights: [-1] }, /head search: drawBank\.weight: /],
  ])('%s', (_, change, message) => {
    expect(() => headsOfGrid({ ...DEFAULT_GRID, ...change })).toThrow(message);
  });
});

it('every combination is a head of its own', () => {
  const heads = headsOfGrid(DEFAULT_GRID);
  expect(heads).toHaveLength(2 * 3 * 3 * 2);
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
