import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ExperimentConfig } from '../../src/shared/config.ts';
import { parseConfig, withAssignments } from '../../src/main/workbench/loadConfig.ts';
import { headLabel, planStages } from '../../src/main/workbench/stageKeys.ts';

const demo: unknown = JSON.parse(readFileSync(new URL('../../resources/presets/demo.json', import.meta.url), 'utf8'));
const config = (...assignments: string[]): ExperimentConfig => parseConfig(withAssignments(demo, assignments), 'demo');
const DATA = { source: 'source files', target: 'target files' };
const keysOf = (kind: string, ...assignments: string[]): string[] =>
  planStages(config(...assignments), DATA).flatMap((stage) => (stage.kind === kind ? [stage.key] : []));

describe('a stage key depends on what decides the result and on nothing else', () => {
  const KINDS = ['extractor', 'head', 'prediction', 'pgd', 'certification'] as const;
  it.each([
    ['name=other', []],
    ['certification.sigma=0.2', ['certification']],
    ['pgd.steps=7', ['pgd']],
    ['instances=100', ['prediction', 'pgd', 'certification']],
    ['training.heads.learningRate=0.01', ['head', 'prediction', 'pgd', 'certification']],
    ['training.source.learningRate=0.01', KINDS],
    ['seed=9', KINDS],
  ])('%s changes %j', (assignment, changed) => {
    for (const kind of KINDS) {
      const before = keysOf(kind);
      const after = keysOf(kind, assignment);
      const target = kind === 'extractor' ? 0 : before.length - 1;
      expect(after[target] === before[target], kind).toBe(!(changed as readonly string[]).includes(kind));
    }
  });

  it('another head leaves the extractor and the other heads alone', () => {
    const more = planStages({ ...config(), heads: [...config().heads, { ...config().heads[0], bound: 2 }] }, DATA);
    const before = planStages(config(), DATA).map(({ key }) => key);
    expect(more.map(({ key }) => key)).toEqual(expect.arrayContaining(before));
    expect(more).toHaveLength(before.length + 8);
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

  it('the keys of certificates are those of programs that could not switch them off', () => {
    expect(keysOf('certification', 'certification.rules=["paper","lipschitz","interval"]')[0]).toBe(
      '2024ce0c0548ce873b7d27a6e983dffabbec8d5d20102ebe9028b41251c94913',
    );
  });

  it('every key of a run is its own', () => {
    const keys = planStages(config(), DATA).map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

it('a label names what differs from the defaults', () => {
  const head = { layers: 4, constraint: 'wn-l1', bound: 2, groupSize: 4, temperature: 30, hiddenWidth: 64 } as const;
  expect(headLabel(head)).toBe('4-layer wn-l1, bound 2, width 64, groups of 4, temperature 30');
  expect(headLabel({ layers: 1, constraint: 'none', bound: 3, groupSize: 2, temperature: 1 })).toBe('1-layer none');
});
