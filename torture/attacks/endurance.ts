import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startEngines, type Engines } from '../../src/main/engine/process/engines.ts';
import { DATABASE_NAME, openStore, type Store } from '../../src/main/store/store.ts';
import { executeRun } from '../../src/main/workbench/executeRun.ts';
import { deleteRuns } from '../../src/main/workbench/runs/deleteRuns.ts';
import { recordFigures } from '../../src/main/workbench/runs/figures.ts';
import { startRunIn } from '../../src/main/workbench/workbench.ts';
import { emptyFolder, quietHost, SILENT } from '../../test/workbench/tinyExperiment.ts';
import type { Attack, Tally } from '../attack.ts';
import { fabricateImages, tinyConfig } from '../tinyRun.ts';

/** Every so many runs one has an engine of its own, as all of a workbench's have; the others share one that lives as long as all of them. */
const OWN_ENGINE = 25;
/** Older runs are deleted, as a person would who keeps a disk from filling. */
const KEPT = 20;
const PART_COUNT = 20;

export const endurance: Attack = {
  name: 'endurance',
  title: 'tiny runs in one process, one after another, older ones deleted: memory, handles and disk are flat',
  count: 2000,
  async run({ seed, count, say }, tally) {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const folder = emptyFolder();
    const images = fabricateImages();
    const store = openStore(folder);
    const engines = await startEngines();
    const measures: Measure[] = [];
    const part = Math.max(1, Math.floor(count / PART_COUNT));
    try {
      for (let i = 0; i < count; i++) {
        await oneRun(store, engines, { i, seed, images });
        deleteOld(store);
        if ((i + 1) % part !== 0) continue;
        collect();
        measures.push(measured(folder, engines.pids()[0]));
        say(`${i + 1} of ${count} runs: ${JSON.stringify(measures.at(-1))}`);
      }
      tally.add('runs done', count);
      judge(measures, tally);
    } finally {
      await engines.close();
      store.close();
      rmSync(folder, { recursive: true });
    }
  },
};

/** Every run has another σ, so that it certifies and attacks anew; every hundredth trains anew too. */
async function oneRun(
  store: Store,
  engines: Engines,
  { i, seed, images }: { i: number; seed: number; images: string },
): Promise<void> {
  const config = tinyConfig(images, {
    name: `run ${i}`,
    seed: seed + Math.floor(i / 100),
    instances: 1,
    certification: { draws: 100, selectionDraws: 10, alpha: 0.05, sigma: 0.2 + 1e-5 * i },
    training: {
      source: { procedure: 'normal', maxEpochs: 1, batchSize: 8 },
      heads: { procedure: 'normal', maxEpochs: 1, batchSize: 8 },
    },
  });
  if (i % OWN_ENGINE === OWN_ENGINE - 1) {
    await startRunIn(store, config, quietHost());
    return;
  }
  const { id } = store.runs.create({ name: config.name, config, environment: engines.backend });
  await executeRun({ runId: id, config, store, engines, reporter: SILENT, signal: new AbortController().signal });
  store.runs.finish(id, 0);
  recordFigures(store, id);
}

function deleteOld(store: Store): void {
  const old = store.runs.list().slice(KEPT);
  if (old.length > 0)
    deleteRuns(
      store,
      old.map(({ id }) => id),
      { isTrial: false },
    );
}

interface Measure {
  readonly hostHeapMegabytes: number;
  readonly hostMegabytes: number;
  readonly engineMegabytes: number;
  readonly hostHandles: number;
  readonly engineHandles: number;
  readonly databaseKilobytes: number;
  readonly artefactFiles: number;
}

function measured(folder: string, engine: number): Measure {
  const { heapUsed, rss } = process.memoryUsage();
  const artefacts = readdirSync(path.join(folder, 'artefacts'), { recursive: true, withFileTypes: true });
  return {
    hostHeapMegabytes: round(heapUsed / 2 ** 20),
    hostMegabytes: round(rss / 2 ** 20),
    engineMegabytes: round(
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${engine}/status`, 'utf8'))![1]) / 1024,
    ),
    hostHandles: readdirSync('/proc/self/fd').length,
    engineHandles: readdirSync(`/proc/${engine}/fd`).length,
    databaseKilobytes: round(statSync(path.join(folder, DATABASE_NAME)).size / 1024),
    artefactFiles: artefacts.filter((entry) => entry.isFile()).length,
  };
}

const round = (value: number): number => Math.round(10 * value) / 10;

/** What may come and go between two looks; a leak of a kilobyte a run would be 1 MB in the second half of 2,000. */
const SLACK: Measure = {
  hostHeapMegabytes: 1,
  hostMegabytes: 15,
  engineMegabytes: 15,
  hostHandles: 2,
  engineHandles: 2,
  databaseKilobytes: 64,
  artefactFiles: 6,
};

/** The first half is warm-up: caches fill and pages are cut. In the second, the last quarter's most is no more than the third's: dips are garbage that was collected. */
function judge(measures: readonly Measure[], tally: Tally): void {
  const half = measures.slice(Math.floor(measures.length / 2));
  const [third, last] = [half.slice(0, Math.ceil(half.length / 2)), half.slice(Math.ceil(half.length / 2))];
  if (last.length === 0) return;
  for (const what of Object.keys(SLACK) as (keyof Measure)[]) {
    const most = (part: readonly Measure[]): number => Math.max(...part.map((measure) => measure[what]));
    tally.set(`${what}: at the first look`, measures[0][what]);
    tally.set(`${what}: most of the third quarter`, most(third));
    tally.set(`${what}: most of the last quarter`, most(last));
    tally.hold(
      'measures that are flat',
      most(last) - most(third) <= SLACK[what],
      () => `${what} ${most(third)} → ${most(last)}`,
    );
  }
}
