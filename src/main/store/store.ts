import { dirname, join } from 'node:path';
import { openArtefacts, type Artefacts } from './artefacts.ts';
import { DATABASE_NAME } from './databaseName.ts';
import { translating } from './errors.ts';
import { openLaunches, type Launches } from './launches.ts';
import { openDatabase, type DatabaseOptions } from './openDatabase.ts';
import { openQueueStore, type QueueStore } from './queue.ts';
import { openResults, type Results } from './results.ts';
import { openRunList, type RunList } from './runList.ts';
import { openRuns, type Runs } from './runs.ts';
import { openShards, type Shards } from './shards.ts';
import { openStages, type Stages } from './stages.ts';
import { closeSealed } from './seal.ts';
import { openStudies, type Studies } from './studies.ts';

export { DATABASE_NAME };

/** Everything a folder of runs holds. All calls are synchronous; each throws StoreErrors only, but for defects. */
export interface Store {
  readonly folder: string;
  readonly runs: Runs;
  readonly stages: Stages;
  readonly artefacts: Artefacts;
  readonly results: Results;
  readonly studies: Studies;
  readonly launches: Launches;
  readonly shards: Shards;
  readonly queue: QueueStore;
  readonly runList: RunList;
  /** A copy of the database as it is now, in one file that must not be there yet; artefacts are not part of it. */
  copyTo(file: string): void;
  /** Leaves the database sealed, unless another process has it open. */
  close(): void;
}

export interface StoreOptions extends DatabaseOptions {
  /** The clock of timestamps. */
  readonly now?: () => Date;
}

/**
 * Opens `<folder>/workbench.sqlite`, which is made if need be, and migrates it to this program's version.
 * @throws StoreError 'missing-database' or 'older-database' (readonly), 'newer-database', 'foreign-database', 'damaged',
 *   'locked', 'disk-full', 'migration-failed', 'readonly', 'input-output'.
 */
export function openStore(folder: string, options: StoreOptions = {}): Store {
  return openStoreFile(join(folder, DATABASE_NAME), options);
}

/** The same of a database by another name, whose artefacts, if any, lie beside it. */
export function openStoreFile(file: string, options: StoreOptions = {}): Store {
  const folder = dirname(file);
  const db = translating(`open ${file}`, folder, () => openDatabase(file, options));
  const now = options.now ?? (() => new Date());
  const stages = openStages(db);
  const artefacts = openArtefacts(db, join(folder, 'artefacts'));
  const results = openResults(db, folder);
  return {
    folder,
    runs: guarded(openRuns(db, now), 'runs', folder),
    stages: guarded(stages, 'stages', folder),
    artefacts: guarded(artefacts, 'artefacts', folder),
    results: guarded(results, 'results', folder),
    launches: guarded(openLaunches(db, now), 'launches', folder),
    shards: guarded(openShards(db, { stages, artefacts, results }, now), 'shards', folder),
    studies: guarded(openStudies(db, now), 'studies', folder),
    runList: guarded(openRunList(db), 'runList', folder),
    queue: guarded(openQueueStore(db, now), 'queue', folder),
    copyTo(target) {
      translating(`copy to ${target}`, folder, () => db.prepare('VACUUM INTO ?').run(target));
    },
    close() {
      closeSealed(db);
    },
  };
}

/** The same functions; what SQLite and the system throw leaves them as StoreErrors that name the call. */
function guarded<Api extends object>(api: Api, group: string, folder: string): Api {
  const entries = Object.entries(api as Record<string, (...args: unknown[]) => unknown>);
  return Object.fromEntries(
    entries.map(([name, call]) => [
      name,
      (...args: unknown[]) => translating(`${group}.${name}`, folder, () => call(...args)),
    ]),
  ) as Api;
}
