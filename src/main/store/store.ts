import { join } from 'node:path';
import { openArtefacts, type Artefacts } from './artefacts.ts';
import { DATABASE_NAME } from './databaseName.ts';
import { translating } from './errors.ts';
import { openDatabase, type DatabaseOptions } from './openDatabase.ts';
import { openQueueStore, type QueueStore } from './queue.ts';
import { openResults, type Results } from './results.ts';
import { openRunList, type RunList } from './runList.ts';
import { openRuns, type Runs } from './runs.ts';
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
  readonly queue: QueueStore;
  readonly runList: RunList;
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
  const file = join(folder, DATABASE_NAME);
  const db = translating(`open ${file}`, folder, () => openDatabase(file, options));
  const now = options.now ?? (() => new Date());
  return {
    folder,
    runs: guarded(openRuns(db, now), 'runs', folder),
    stages: guarded(openStages(db), 'stages', folder),
    artefacts: guarded(openArtefacts(db, join(folder, 'artefacts')), 'artefacts', folder),
    results: guarded(openResults(db, folder), 'results', folder),
    studies: guarded(openStudies(db, now), 'studies', folder),
    runList: guarded(openRunList(db), 'runList', folder),
    queue: guarded(openQueueStore(db, now), 'queue', folder),
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
