import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chosenConfig } from '../../../src/main/workbench/headSearch/chosenConfig.ts';
import { headsOfGrid } from '../../../src/main/workbench/headSearch/headGrid.ts';
import { searchResults } from '../../../src/main/workbench/headSearch/searchResults.ts';
import { headLabel } from '../../../src/main/workbench/stageKeys.ts';
import type { RunReporter } from '../../../src/main/workbench/runInProgress.ts';
import { reading } from '../../../src/main/workbench/storeOfFolder.ts';
import { startRun } from '../../../src/main/workbench/workbench.ts';
import { headGridSchema } from '../../../src/shared/headSearchOptions.ts';
import { emptyFolder, quietHost, SILENT, tinyConfig } from '../tinyExperiment.ts';
import { asking, type Asking } from './asking.ts';

const GRID = { layers: [1], constraints: ['none', 'wn'], weights: [1, 5], temperatures: [10], draws: 2 } as const;
const OPTIONS = { grid: GRID, search: { instances: 6, draws: 40, selectionDraws: 10 } };

const folder = emptyFolder();
let workbench: Asking;
beforeAll(async () => {
  await startRun(folder, tinyConfig({ name: 'first' }), quietHost());
  workbench = asking(folder);
}, 120_000);
afterAll(() => workbench.close());

/** Until the queue has worked off what was added. */
async function settled(run: number): Promise<void> {
  await expect
    .poll(async () => (await workbench.ask('run.get', { run }).catch(() => null))?.status, { timeout: 120_000 })
    .toMatch(/done|failed/);
}

describe('a head search', () => {
  it('is planned from its options: the config that the queue takes, or what is wrong with them', async () => {
    const { problems, config } = await workbench.ask('heads.plan', { run: 1, options: OPTIONS });
    expect(problems).toEqual([]);
    expect(config!.heads).toEqual(headsOfGrid(headGridSchema.parse(GRID)));
    expect(config).toMatchObject({ name: 'head search on run 1', headsOn: ['target'], headSearch: OPTIONS.search });
    expect(config!.certification.enabled).toBe(false);
    const wrong = { grid: { ...GRID, weights: [1, 'x'], constraints: [] } };
    expect(await workbench.ask('heads.plan', { run: 1, options: wrong })).toEqual({
      config: null,
      problems: [
        { path: 'grid.constraints', message: 'expected at least one (got [])' },
        { path: 'grid.weights.1', message: expect.stringContaining('expected number') as string },
      ],
    });
    await expect(workbench.ask('heads.plan', { run: 9, options: {} })).rejects.toThrow('find run 9');
  });

  it('is refused for a run that is none, and before a head is scored', async () => {
    await expect(workbench.ask('heads.results', { run: 1 })).rejects.toThrow('run 1 has no head search');
    await expect(workbench.ask('heads.chosenConfig', { run: 1 })).rejects.toThrow('run 1 has no head search');
  });

  it('is queued as any run, and shows its heads, the furthest certified first', async () => {
    const { config } = await workbench.ask('heads.plan', { run: 1, options: OPTIONS });
    await workbench.ask('queue.add', { config: config! });
    await settled(2);
    const { heads } = await workbench.ask('heads.results', { run: 2 });
    expect(heads.map(({ head }) => head).sort()).toEqual(config!.heads.map(headLabel).sort());
    const radii = heads.map(({ score }) => score!.meanRadiusNormalised);
    expect(radii).toEqual(radii.toSorted((a, b) => b - a));
    expect(heads.map(({ isChosen }) => isChosen)).toEqual([true, false, false, false]);
    for (const { weight, epochs, score, spec } of heads) {
      expect(weight).toBe(spec.drawBank!.weight);
      expect(epochs).toBeGreaterThan(0);
      expect(score!.instances).toBe(6);
    }
  });

  it('leads to the experiment with the chosen head alone, as the command line writes it', async () => {
    const { config } = await workbench.ask('heads.chosenConfig', { run: 2 });
    expect(config).toEqual(reading(folder, (store) => chosenConfig(searchResults(store, 2))));
    const { heads } = await workbench.ask('heads.results', { run: 2 });
    expect(config.heads).toEqual([heads[0].spec]);
    expect(config.headSearch).toBeUndefined();
    expect(config.certification.enabled).toBe(true);
    expect((await workbench.ask('experiments.check', { config })).problems).toEqual([]);
  });

  it('that is interrupted shows heads without scores, and chooses none', async () => {
    const { config } = await workbench.ask('heads.plan', {
      run: 1,
      options: { ...OPTIONS, search: { ...OPTIONS.search, instances: 5 } },
    });
    const abort = new AbortController();
    const reporter: RunReporter = {
      ...SILENT,
      began: ({ title }) => (title.startsWith('Head search') ? abort.abort() : undefined),
    };
    await workbench.close();
    const searching = startRun(folder, config!, quietHost({ signal: abort.signal, reporter }));
    await expect(searching).rejects.toThrow('run 3 was interrupted');
    workbench = asking(folder);
    const { heads } = await workbench.ask('heads.results', { run: 3 });
    expect(heads).toHaveLength(4);
    expect(heads.every(({ score, isChosen }) => score === null && !isChosen)).toBe(true);
    await expect(workbench.ask('heads.chosenConfig', { run: 3 })).rejects.toThrow('go on with: ptw resume 3');
  });
});
