import { describe, expect, it } from 'vitest';
import { dependents } from '../../../src/main/workbench/launch/planTasks.ts';
import type { LaunchFile } from '../../../src/main/workbench/launch/launchFile.ts';
import { TINY_STUDY } from '../studies/tinyStudy.ts';
import { CERTIFIED_STUDY, planned } from './tinyLaunch.ts';

const ids = ({ tasks }: Pick<LaunchFile, 'tasks'>): string[] => tasks.map(({ id }) => id);
const needs = ({ tasks }: LaunchFile, id: string): string[] => tasks.find((task) => task.id === id)!.needs;

describe('the tasks of a study', () => {
  it('are extractor, heads of each domain, and the parts of attacks and of certificates', () => {
    const launch = planned(CERTIFIED_STUDY, { shards: 2 });
    expect(ids(launch)).toEqual([
      '0000-extractor',
      '0001-heads-source',
      '0002-heads-target',
      '0003-attacks-source-1of2',
      '0004-attacks-source-2of2',
      '0005-attacks-target-1of2',
      '0006-attacks-target-2of2',
      '0007-certificates-source-1of2',
      '0008-certificates-source-2of2',
      '0009-certificates-target-1of2',
      '0010-certificates-target-2of2',
    ]);
    expect(needs(launch, '0002-heads-target')).toEqual(['0000-extractor']);
    expect(needs(launch, '0010-certificates-target-2of2')).toEqual(['0000-extractor', '0002-heads-target']);
  });

  it("compute every stage of the study once: the extractor's own head with the extractor, shared stages by the first run", () => {
    const launch = planned({ ...CERTIFIED_STUDY, seeds: [1, 2] }, { shards: 1 });
    const all = new Set(launch.cells.flatMap(({ stages }) => stages.map(({ key }) => key)));
    const computed = launch.tasks.flatMap(({ stages }) => stages);
    expect(computed.length).toBe(new Set(computed).size);
    expect(new Set(computed)).toEqual(all);
    const [extractor] = launch.tasks;
    const own = launch.cells[0].stages.find(({ inputs }) => inputs['own'] === true)!;
    expect(extractor.stages).toContain(own.key);
    // The evaluation of the own head needs no other task than the extractor's, and still its weights.
    const onSource = launch.tasks.find(({ id }) => id.includes('attacks-source'))!;
    expect(onSource.inputs).toContain(own.key);
  });

  it('have no more parts than instances', () => {
    const launch = planned(CERTIFIED_STUDY, { shards: 100 });
    expect(launch.tasks.filter(({ id }) => id.includes('certificates-target')).length).toBe(16);
  });

  it('are none for what is known, and need nothing of it', () => {
    const all = planned(CERTIFIED_STUDY, { shards: 1 });
    const [extractor] = all.tasks;
    const launch = planned(
      CERTIFIED_STUDY,
      { shards: 1 },
      {
        has: (key) => extractor.stages.includes(key),
        weights: () => new Uint8Array(),
      },
    );
    expect(ids(launch)[0]).toBe('0000-heads-source');
    expect(needs(launch, '0000-heads-source')).toEqual([]);
    expect(launch.tasks[0].inputs).toEqual([extractor.stages[0]]);
    expect(() => planned(CERTIFIED_STUDY, {}, { has: () => true, weights: () => new Uint8Array() })).toThrow(
      /nothing of the study "tiny study" is left to compute/,
    );
  });

  it('that wait for one, at first hand or not, are its dependents', () => {
    const { tasks } = planned(CERTIFIED_STUDY, { shards: 1 });
    const behind = dependents(tasks, new Set(['0002-heads-target']));
    expect([...behind]).toEqual(['0004-attacks-target', '0006-certificates-target']);
  });

  it('are refused where a head is searched for, whose scores none would bring back', () => {
    expect(() => planned({ base: { ...TINY_STUDY.base, headSearch: {} } })).toThrow(
      /searches for a head.*send it without headSearch and search afterwards with ptw heads/,
    );
  });

  it('are refused where a data set is not here, naming it', () => {
    const transfers = [{ source: { dataset: 'kmnist' }, target: { dataset: 'kmnist' } }];
    expect(() => planned({ transfers })).toThrow(
      /data sets of the study are not on this machine.*\n {2}kmnist: get it with/,
    );
  });
});
