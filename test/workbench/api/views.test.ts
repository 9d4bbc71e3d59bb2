import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pastError } from '../../../src/main/workbench/experiments/forecastExperiment.ts';
import { checkDatasets, hasMissing } from '../../../src/main/workbench/datasets/checkDatasets.ts';
import { startRun } from '../../../src/main/workbench/workbench.ts';
import { emptyFolder, quietHost, TINY, tinyConfig } from '../tinyExperiment.ts';
import { asking, type Asking } from './asking.ts';

let workbench: Asking;
beforeAll(async () => {
  const folder = emptyFolder();
  await startRun(folder, tinyConfig({ name: 'first' }), quietHost());
  await startRun(folder, tinyConfig({ name: 'second', seed: 4 }), quietHost());
  workbench = asking(folder);
});
afterAll(() => workbench.close());

describe('experiments', () => {
  it('are checked key by key, and then as a whole', async () => {
    const { problems } = await workbench.ask('experiments.check', {
      config: { ...TINY, instances: 0, heads: [{ layers: 2, constraint: 'wn' }], also: 1 },
    });
    expect(problems.map(({ path: at }) => at)).toEqual(expect.arrayContaining(['instances', 'heads.0.layers', 'also']));
    const few = await workbench.ask('experiments.check', { config: { ...TINY, certification: { draws: 5 } } });
    expect(few.config).toBeNull();
    expect(few.problems[0]).toMatchObject({ path: 'certification.draws' });
    const right = await workbench.ask('experiments.check', { config: TINY });
    expect(right.problems).toEqual([]);
    expect(right.config?.certification.alpha).toBe(1e-4);
  });

  it('begin with a preset, or a run', async () => {
    const presets = await workbench.ask('experiments.presets', {});
    expect(presets.map(({ preset }) => preset)).toContain('demo');
    expect((await workbench.ask('experiments.fromRun', { run: 2 })).config).toMatchObject({ name: 'second', seed: 4 });
  });

  it('are forecast from the runs before, with the memory that those took', async () => {
    const same = await workbench.ask('experiments.forecast', { config: { ...TINY, name: 'again' } });
    expect(same.storedStages).toBe(same.stages);
    expect(same.forecast.seconds).toBe(0);
    const other = await workbench.ask('experiments.forecast', { config: { ...TINY, seed: 9 } });
    expect(other.storedStages).toBeLessThan(other.stages);
    expect(other.forecast.seconds).toBeGreaterThan(0);
    if (process.platform === 'linux') expect(other.memory?.bytes).toBeGreaterThan(50e6);
    expect(other.missing).toEqual([]);
    expect(Object.keys(other.ceilings!)).toEqual(['label', 'representation', 'logit', 'pairwise']);
    expect(other.ceilings?.label).toBeGreaterThan(other.ceilings!.logit!);
    await expect(workbench.ask('experiments.forecast', { config: {} })).rejects.toThrow('the experiment is no valid');
  });

  it('have a past error that no forecast has seen', () => {
    const piece = (run: number, seconds: number, planned = 10) => ({
      run,
      kind: 'extractor' as const,
      seconds,
      expected: 10,
      planned,
    });
    expect(pastError([piece(1, 20)])).toBeNull();
    // Run 2 is forecast at twice the constants' time, run 3 at the pace of both.
    expect(pastError([piece(3, 30), piece(2, 10), piece(1, 20)])).toEqual({
      runs: 2,
      medianRatio: (20 / 10 + 15 / 30) / 2,
      leastRatio: 15 / 30,
      greatestRatio: 2,
    });
    // Training that ended early was forecast to its last epoch.
    expect(pastError([piece(2, 10, 30), piece(1, 10)])?.medianRatio).toBe(3);
  });

  it('of the rest of a run is nothing where all is done', async () => {
    expect(await workbench.ask('queue.remaining', { run: 1 })).toEqual({ seconds: 0, isEstimate: false });
    await expect(workbench.ask('queue.remaining', { run: 9 })).rejects.toThrow('find run 9');
  });
});

describe('comparing', () => {
  it('shows only keys that differ, and tests the same instances', async () => {
    const { runs, differing } = await workbench.ask('compare.runs', { runs: [1, 2] });
    const tests = await workbench.ask('compare.tests', { runs: [1, 2] });
    expect(runs.map(({ name }) => name)).toEqual(['first', 'second']);
    expect(differing).toEqual([
      { key: 'name', values: ['first', 'second'] },
      { key: 'seed', values: [3, 4] },
    ]);
    const own = await workbench.ask('compare.tests', { runs: [1, 1] });
    expect(own.length).toBeGreaterThan(10);
    expect(own.every(({ pValue, shared, onlyFirst }) => pValue === 1 && shared === 10 && onlyFirst === 0)).toBe(true);
    expect(tests.every(({ shared }) => shared <= 10)).toBe(true);
    await expect(workbench.ask('compare.runs', { runs: [1, 9] })).rejects.toThrow('find run 9');
  });
});

describe('studies', () => {
  it('come with the program, and are planned before they are run', async () => {
    const presets = await workbench.ask('studies.presets', {});
    const mini = presets.find(({ preset }) => preset === 'mini')!;
    const plan = await workbench.ask('studies.plan', { study: mini.document });
    expect(plan.runs.length).toBeGreaterThan(4);
    expect(plan.forecast.seconds).toBeGreaterThan(60);
    await expect(workbench.ask('studies.get', { study: 7 })).rejects.toThrow('find study 7');
    expect(await workbench.ask('studies.list', {})).toEqual([]);
  });
});

describe('data sets', () => {
  it('are listed, checked and shown', async () => {
    const sets = await workbench.ask('data.list', {});
    expect(sets.map(({ name }) => name)).toContain('mnist');
    const { png, classes } = await workbench.ask('data.preview', { dataset: 'mnist' });
    expect([...png.subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
    expect(classes).toHaveLength(10);
    await expect(workbench.ask('data.preview', { dataset: '/no/such/folder' })).rejects.toThrow('no data set');
    expect((await workbench.ask('data.check', { name: 'svhn' })).files[0]).toMatchObject({
      isRight: null,
      state: 'missing',
    });
  });

  it('that were extracted are not called missing', async () => {
    const folder = emptyFolder();
    const inside = path.join(folder, 'cifar10', 'cifar-10-batches-bin');
    mkdirSync(inside, { recursive: true });
    const names = ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5', 'test_batch'];
    for (const name of names) writeFileSync(path.join(inside, `${name}.bin`), '');
    const [checked] = await checkDatasets(['cifar10'], { ...process.env, PTW_DATA_DIR: folder });
    expect(checked.isExtracted).toBe(true);
    expect(hasMissing(checked)).toBe(false);
    const [absent] = await checkDatasets(['stl10'], { ...process.env, PTW_DATA_DIR: folder });
    expect([absent.isExtracted, hasMissing(absent)]).toEqual([false, true]);
  });
});

describe('the engine', () => {
  it('is inspected in another process, and results are where they are said to be', async () => {
    const report = await workbench.ask('engine.inspect', {});
    expect(['tensorflow', 'webgpu', 'wasm']).toContain(report.backend);
    expect(report.versions.node).toBe(process.versions.node);
    const storage = await workbench.ask('engine.storage', {});
    expect(storage.runs).toBe(2);
    expect(storage.databaseBytes).toBeGreaterThan(10_000);
  });
});
