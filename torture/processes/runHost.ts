// A host that works a run off and says on standard output what it did, line by line, until it is killed:
//   engine <pid> · tick · ack <stage key> <dataset index>, once a commit has returned · notice <text> · done · error <text>
import { writeSync } from 'node:fs';
import { openStore, type Store } from '../../src/main/store/store.ts';
import type { Engines } from '../../src/main/engine/process/engines.ts';
import { resumeRunIn, startRunIn } from '../../src/main/workbench/workbench.ts';
import { quietHost } from '../../test/workbench/tinyExperiment.ts';
import { tinyConfig } from '../tinyRun.ts';

const [folder, images] = process.argv.slice(2);
const say = (line: string): number => writeSync(1, `${line.replaceAll('\n', ' ')}\n`);

/** The store, saying of every instance that it is committed. */
function acknowledging(store: Store): Store {
  return {
    ...store,
    results: {
      ...store.results,
      commitInstanceOfStages(ofStages) {
        const added = store.results.commitInstanceOfStages(ofStages);
        for (const { stageId, certificates } of ofStages) {
          say(`ack ${store.stages.get(stageId).key} ${certificates[0].datasetIndex}`);
        }
        return added;
      },
    },
  };
}

let engines: Engines | null = null;
let known = 0;
/** Engines are started again without a word to the host. */
function tick(): void {
  const pid = engines?.pids().at(-1) ?? 0;
  if (pid !== known) say(`engine ${(known = pid)}`);
  say('tick');
}
const host = quietHost({
  opened: (opened) => (engines = opened),
  reporter: {
    began: tick,
    progress: tick,
    epoch: tick,
    ended: tick,
    notice: (text) => say(`notice ${text}`),
  },
});
try {
  const store = acknowledging(openStore(folder));
  const there = store.runs.list().length > 0;
  await (there ? resumeRunIn(store, 1, host) : startRunIn(store, tinyConfig(images), host));
  store.close();
  say('done');
} catch (error) {
  say(`error ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
