import { cpSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { headSearchSchema, type ExperimentConfig } from '../../../src/shared/config.ts';
import { headGridSchema } from '../../../src/shared/headSearchOptions.ts';
import { checkConfig } from '../../../src/main/workbench/checkConfig.ts';
import { chosenConfig } from '../../../src/main/workbench/headSearch/chosenConfig.ts';
import { searchConfig } from '../../../src/main/workbench/headSearch/headGrid.ts';
import {
  chosenHead,
  searchResults,
  type HeadSearchResults,
} from '../../../src/main/workbench/headSearch/searchResults.ts';
import { stageOf, storedRun } from '../../../src/main/workbench/storedRun.ts';
import { reading } from '../../../src/main/workbench/storeOfFolder.ts';
import { showRun, startRun } from '../../../src/main/workbench/workbench.ts';
import { fabricateFolder, patchImage, pngFile, writeTree, type FolderPlan } from '../../data/imageFolder/fabricate.ts';
import { emptyFolder, quietHost, tinyConfig } from '../tinyExperiment.ts';

const SET: FolderPlan = { classes: ['a', 'b', 'c'], height: 8, width: 8, channels: 1, train: 40, test: 4 };
const GRID = headGridSchema.parse({
  layers: [1, 4],
  constraints: ['none'],
  weights: [1, 10],
  temperatures: [10],
  draws: 4,
});
const SEARCH = headSearchSchema.parse({ instances: 9, draws: 60, selectionDraws: 20 });

function configOn(folder: string): ExperimentConfig {
  const dataset = { folder };
  return tinyConfig({
    source: { dataset },
    target: { dataset },
    training: {
      source: { procedure: 'gaussian', learningRate: 3e-3, maxEpochs: 6, batchSize: 32 },
      heads: { procedure: 'gaussian', learningRate: 1e-2, maxEpochs: 8, batchSize: 32 },
    },
    instances: 6,
  });
}

/** A search in a store of its own. */
async function searched(folder: string): Promise<HeadSearchResults & { readonly home: string }> {
  const home = emptyFolder();
  const config = searchConfig(configOn(folder), { name: 'search', grid: GRID, search: SEARCH });
  checkConfig(config);
  const run = await startRun(home, config, quietHost());
  return { home, ...reading(home, (store) => searchResults(store, run)) };
}
const scoresOf = ({ heads }: HeadSearchResults) => heads.map(({ head, score }) => [head, score]);

describe('a head search', () => {
  const place = emptyFolder();
  const images = path.join(place, 'images');
  let search: Awaited<ReturnType<typeof searched>>;
  beforeAll(async () => {
    fabricateFolder(SET, images);
    search = await searched(images);
  });

  it('scores the whole grid on validation images, the furthest certified first', () => {
    expect(search.heads).toHaveLength(4);
    const radii = search.heads.map(({ score }) => score!.meanRadiusNormalised);
    expect(radii).toEqual([...radii].sort((a, b) => b - a));
    expect(radii[0]).toBeGreaterThan(0);
    for (const { score } of search.heads) expect(score!.instances).toBe(9);
    expect(chosenHead(search)).toBe(search.heads[0]);
    expect(chosenHead({ ...search, config: { ...search.config, headsOn: ['source'] } })).toBeNull();
  });

  it('never reads a test instance: with all of them other images every score and the choice are the same', async () => {
    const other = path.join(place, 'other');
    cpSync(images, other, { recursive: true });
    // Images of the next class in every class's place.
    SET.classes.forEach((name, label) => {
      for (let i = 0; i < SET.test; i++) {
        const image = pngFile(patchImage((label + 1) % SET.classes.length, 2000 + i, SET));
        writeTree({ [`test/${name}/000${i}.png`]: image }, other);
      }
    });
    const again = await searched(other);
    expect(scoresOf(again)).toEqual(scoresOf(search));
    // The control: test accuracy, which the run shows beside it, did read them.
    const accuracies = (one: typeof search) =>
      showRun(one.home, one.run).rows.map(({ baseAccuracy }) => baseAccuracy!.hits);
    expect(accuracies(again)).not.toEqual(accuracies(search));
  });

  it('leaves the chosen head trained: an experiment with it alone trains nothing', async () => {
    const config = { ...chosenConfig(search), headsOn: ['target' as const] };
    expect(config.heads).toEqual([search.heads[0].spec]);
    const id = await startRun(search.home, config, quietHost());
    reading(search.home, (store) => {
      const [one, grid] = [storedRun(store, id), storedRun(store, search.run)];
      const head = { domain: 'target' as const, head: search.heads[0].head };
      expect(stageOf(one, 'head', head)!.id).toBe(stageOf(grid, 'head', head)!.id);
      expect(one.stages.some(({ kind }) => kind === 'certification')).toBe(true);
    });
  });
});
