import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRun } from '../../../src/main/workbench/workbench.ts';
import { groupRuns, meanWithInterval } from '../../../src/main/workbench/runs/groups.ts';
import { emptyFolder, quietHost, tinyConfig } from '../tinyExperiment.ts';
import { asking, type Asking } from './asking.ts';

let workbench: Asking;
beforeAll(async () => {
  const folder = emptyFolder();
  await startRun(folder, tinyConfig({ name: 'first' }), quietHost());
  await startRun(folder, tinyConfig({ name: 'second', seed: 4 }), quietHost());
  workbench = asking(folder);
});
afterAll(() => workbench.close());

describe('refusals', () => {
  it.each(['nonsense', 'config:', 'run.id; DROP TABLE run', 'figure:'])('a column "%s"', async (column) => {
    await expect(workbench.ask('runs.list', { offset: 0, limit: 1, columns: [column] })).rejects.toThrow(
      'config:<key> or figure:<name>',
    );
  });
});

describe('runs', () => {
  it('are listed with what was asked for, and with their figures as soon as they end', async () => {
    const best = 'figure:target / best / Base A_B';
    const columns = ['config:seed', 'config:heads[1].constraint', best, 'figure:none'];
    const { total, rows } = await workbench.ask('runs.list', { offset: 0, limit: 10, columns });
    expect(total).toBe(2);
    expect(rows.map(({ name, status, values }) => [name, status, values['config:seed']])).toEqual([
      ['second', 'done', 4],
      ['first', 'done', 3],
    ]);
    expect(rows[0]).toMatchObject({ tags: [], isPinned: false, stages: rows[0].stagesDone });
    expect(rows[0].values['config:heads[1].constraint']).toBe('wn');
    expect(rows[0].values['figure:none']).toBeNull();
    expect(rows[0].values[best]).toBeGreaterThanOrEqual(0);
  });

  it('offer columns that differ, and every figure', async () => {
    const { config, figures } = await workbench.ask('runs.columns', {});
    expect(config.find(({ column }) => column === 'config:seed')).toEqual({ column: 'config:seed', values: 2 });
    expect(config.find(({ column }) => column === 'config:pgd.steps')?.values).toBe(1);
    expect(figures).toContain('figure:target / 4-layer wn / Pairwise A_V');
  });

  it('are grouped by a key, with means', async () => {
    const figures = ['figure:source / best / Base A_B'];
    const groups = await workbench.ask('runs.group', { by: 'config:pgd.steps', figures });
    expect(groups).toEqual([
      { value: 3, n: 2, figures: { [figures[0]]: expect.objectContaining({ n: 2 }) as unknown } },
    ]);
    expect((await workbench.ask('runs.group', { by: 'config:none', figures })).map(({ value }) => value)).toEqual([
      null,
    ]);
  });

  it('are deleted after a trial that says what goes, and stages that others share stay', async () => {
    const trial = await workbench.ask('runs.delete', { runs: [1], isTrial: true });
    expect(trial.certificates).toBeGreaterThan(0);
    expect(trial.fileBytes).toBeGreaterThan(1000);
    expect(await workbench.ask('runs.delete', { runs: [1], isTrial: false })).toEqual(trial);
    expect((await workbench.ask('runs.list', { offset: 0, limit: 10 })).total).toBe(1);
    await expect(workbench.ask('runs.delete', { runs: [1], isTrial: true })).rejects.toThrow('find run 1');
  });
});

describe('groups', () => {
  it('have the interval of Student, none for one run, and count only runs that have the figure', () => {
    // 3 runs: mean 2, standard deviation 1, t = 4.30265 with 2 degrees of freedom.
    const { n, mean, halfWidth } = meanWithInterval([1, 2, 3]);
    expect([n, mean]).toEqual([3, 2]);
    expect(halfWidth).toBeCloseTo(4.302652729749464 / Math.sqrt(3), 8);
    const runs = [
      { value: 2, figures: { a: 1 } },
      { value: null, figures: { a: 5 } },
      { value: 10, figures: { a: null } },
      { value: 2, figures: { a: null } },
    ];
    expect(groupRuns(runs, ['a'])).toEqual([
      { value: 2, n: 2, figures: { a: { n: 1, mean: 1, halfWidth: null } } },
      { value: 10, n: 1, figures: {} },
      { value: null, n: 1, figures: { a: { n: 1, mean: 5, halfWidth: null } } },
    ]);
  });
});
