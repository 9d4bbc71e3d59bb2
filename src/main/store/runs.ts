import { asWritable, inTransaction, type ReadableDb, type WritableDb } from './database.ts';
import { StoreError } from './errors.ts';
import { currentOwner, isAlive, isCurrent, type Owner } from './owner.ts';
import { insertRun, selectRun, selectRunningRuns, selectRuns, updateRunEnded, updateRunResumed } from './tables/run.ts';
import type { NewRun, RunEnd, RunRecord } from './tables/run.ts';
import { selectRunCounts, selectStageCounts, type RunCounts } from './tables/runStage.ts';
import { updateAbandonedStages } from './tables/stage.ts';

export type RunSummary = RunRecord & RunCounts;

export interface Runs {
  /** A run that this process, or `owner`, works on from now. */
  create(run: NewRun, owner?: Owner): RunRecord;
  /** Newest first. */
  list(): RunSummary[];
  /** How many stages the run has, and how many are done. */
  stageCounts(id: number): Pick<RunCounts, 'stages' | 'stagesDone'>;
  /** Those that some process works on, or worked on when it died. */
  running(): RunRecord[];
  /** @throws StoreError 'not-found' */
  get(id: number): RunRecord;
  /** Takes an ended run up again, or one whose process died. @throws StoreError 'conflict' while another process works on it. */
  resume(id: number, by: { readonly environment: unknown; readonly owner?: Owner }): RunRecord;
  /** Seconds are those since it was created or resumed. @throws StoreError 'not-found' unless it is running; so for the next two. */
  finish(id: number, seconds: number): void;
  interrupt(id: number, seconds: number): void;
  /** `failure` is the sentence for the person who reads the list. */
  fail(id: number, end: { readonly failure: string; readonly seconds: number }): void;
  /** Turns running runs that no process works on any more into interrupted ones, and gives their ids. */
  markStale(): number[];
}

/**
 * Runs that this process works on, by database. The database alone does not say: where the end of one could not be written, on a full
 * disk, it stays running there, of an owner that is alive.
 */
const underWay = new Set<string>();
const nameOf = (db: ReadableDb, id: number): string => `${db.name}#${id}`;

function isWorkedOn(db: ReadableDb, { id, owner }: RunRecord): boolean {
  return isCurrent(owner) ? underWay.has(nameOf(db, id)) : isAlive(owner);
}

export function openRuns(db: ReadableDb, now: () => Date): Runs {
  const end = (id: number, how: RunEnd): void => {
    const target = asWritable(db);
    underWay.delete(nameOf(db, id));
    inTransaction(target, () => {
      updateRunEnded(target, id, how);
      updateAbandonedStages(target);
    });
  };
  const timestamp = (): string => now().toISOString();
  return {
    create(run, owner = currentOwner()) {
      const target = asWritable(db);
      const id = inTransaction(target, () => insertRun(target, { ...run, createdAt: timestamp(), owner }));
      if (isCurrent(owner)) underWay.add(nameOf(db, id));
      return requireRun(db, id);
    },
    list: () => selectRuns(db).map((run) => ({ ...run, ...selectRunCounts(db, run.id) })),
    stageCounts: (id) => selectStageCounts(db, id),
    running: () => selectRunningRuns(db),
    get: (id) => requireRun(db, id),
    resume: (id, { environment, owner = currentOwner() }) => resume(asWritable(db), id, { environment, owner }),
    finish(id, seconds) {
      end(id, { status: 'done', failure: null, finishedAt: timestamp(), seconds });
    },
    interrupt(id, seconds) {
      end(id, { status: 'interrupted', failure: null, finishedAt: null, seconds });
    },
    fail(id, { failure, seconds }) {
      end(id, { status: 'failed', failure, finishedAt: timestamp(), seconds });
    },
    markStale() {
      const target = asWritable(db);
      return inTransaction(target, () => markStale(target, selectRunningRuns(target)));
    },
  };
}

function requireRun(db: ReadableDb, id: number): RunRecord {
  const run = selectRun(db, id);
  if (run === null)
    throw new StoreError('not-found', `find run ${id}: there is none of this number; list them with ptw runs`);
  return run;
}

function resume(db: WritableDb, id: number, by: { readonly environment: unknown; readonly owner: Owner }): RunRecord {
  return inTransaction(db, () => {
    const run = requireRun(db, id);
    if (run.status === 'running' && isWorkedOn(db, run)) {
      throw new StoreError(
        'conflict',
        `resume run ${id}: process ${run.owner.pid} is working on it; interrupt that first`,
      );
    }
    if (run.status === 'running') markStale(db, [run]);
    updateRunResumed(db, id, by);
    if (isCurrent(by.owner)) underWay.add(nameOf(db, id));
    return requireRun(db, id);
  });
}

/** How long a dead process had worked is not known: its seconds are not counted. */
function markStale(db: WritableDb, running: readonly RunRecord[]): number[] {
  const stale = running.filter((run) => !isWorkedOn(db, run)).map((run) => run.id);
  for (const id of stale)
    updateRunEnded(db, id, { status: 'interrupted', failure: null, finishedAt: null, seconds: 0 });
  updateAbandonedStages(db);
  return stale;
}
