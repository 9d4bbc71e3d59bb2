import type { TaskState } from '../../../shared/launch.ts';
import type { Job } from './launcher.ts';
import type { Task } from './planTasks.ts';
import { triesUsed, type TaskRecords } from './records.ts';

export interface TaskStanding {
  readonly task: Task;
  readonly state: TaskState;
  readonly attempts: number;
  /** Tries in a row that got no further. */
  readonly tries: number;
  readonly committed: number;
  readonly reason: string | null;
  readonly job: Job | null;
}

export interface Looked {
  readonly records: ReadonlyMap<string, TaskRecords>;
  /** Of the scheduler; a task that it never had is not among them. */
  readonly jobs: ReadonlyMap<string, Job>;
  readonly cancelled: ReadonlySet<string>;
  /** Tries in a row that a task may make. */
  readonly tries: number;
}

/** How every task stands, from what the folder and the scheduler say. @param tasks each after those it needs */
export function taskStates(tasks: readonly Task[], looked: Looked): TaskStanding[] {
  const states = new Map<string, TaskState>();
  return tasks.map((task) => {
    const standing = standingOf(task, looked, states);
    states.set(task.id, standing.state);
    return standing;
  });
}

function standingOf(task: Task, looked: Looked, states: ReadonlyMap<string, TaskState>): TaskStanding {
  const records = looked.records.get(task.id)!;
  const job = looked.jobs.get(task.id) ?? null;
  const isAlive = job !== null && job.state !== 'gone';
  const last = records.attempts.at(-1) ?? null;
  const tries = triesUsed(records, !isAlive);
  const facts = {
    task,
    attempts: records.attempts.length,
    tries,
    committed: records.done?.committed ?? Math.max(records.progress?.committed ?? 0, last?.end?.committed ?? 0),
    job,
  };
  const is = (state: TaskState, reason: string | null = null): TaskStanding => ({ ...facts, state, reason });
  if (records.done !== null) return is('done');
  if (isAlive) return is(job.state === 'running' ? 'running' : 'waiting', job.reason);
  if (looked.cancelled.has(task.id)) return is('cancelled', 'it was cancelled');
  const isRefused = last !== null && last.attempt >= records.countedFrom && last.end?.outcome === 'refused';
  if (tries >= looked.tries || isRefused) return is('failed', reasonOf(records));
  const failed = task.needs.find((need) => ['failed', 'blocked', 'cancelled'].includes(states.get(need)!));
  if (failed !== undefined) return is('blocked', `it needs ${failed}, which is ${states.get(failed)!}`);
  if (job === null) return is('unsent');
  return is('lost', last?.end?.reason ?? (last === null ? null : `it ended on ${last.host} without a word`));
}

/** What is known of how it ended. */
function reasonOf({ attempts, starts }: TaskRecords): string {
  const last = attempts.at(-1);
  if (last === undefined || starts > attempts.length + 1)
    return 'it ended before it began to compute: its log, or a line of setup, may say why';
  return last.end?.reason ?? `it was killed on ${last.host}, and left no word`;
}

/** Tasks to send now: those never sent and those that got lost, where nothing that they need stands in the way. */
export const toSend = (standings: readonly TaskStanding[]): Task[] =>
  standings.filter(({ state }) => state === 'unsent' || state === 'lost').map(({ task }) => task);
