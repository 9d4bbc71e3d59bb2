import type { WorkbenchEvent } from '../../../shared/api/events.ts';
import type { tasksCalls } from '../../../shared/api/tasks.ts';
import { BadInput } from '../errors.ts';
import type { RunReporter } from '../runInProgress.ts';
import type { Handlers } from './handlers.ts';

/** Calls under way that somebody may want to see the progress of, or to cancel. */
export interface Tasks {
  /** @throws BadInput where a task of this name is under way; what the work throws */
  run<T>(task: string, work: (reporter: RunReporter, signal: AbortSignal) => Promise<T>): Promise<T>;
  cancel(task: string): void;
  cancelAll(): void;
}

/** No more than this many progress events a second and task. */
const PER_SECOND = 10;

export function openTasks(emit: (event: WorkbenchEvent) => void): Tasks {
  const underWay = new Map<string, AbortController>();
  return {
    async run(task, work) {
      if (underWay.has(task)) throw new BadInput(`a task "${task}" is under way; choose another name`);
      const abort = new AbortController();
      underWay.set(task, abort);
      try {
        return await work(reporterOf(task, emit), abort.signal);
      } finally {
        underWay.delete(task);
      }
    },
    cancel: (task) => underWay.get(task)?.abort(),
    cancelAll() {
      for (const abort of underWay.values()) abort.abort();
    },
  };
}

function reporterOf(task: string, emit: (event: WorkbenchEvent) => void): RunReporter {
  let title = '';
  let told = -Infinity;
  const tell = (done: number, total: number, notice: string | null): void =>
    emit({ kind: 'task', task, title, done, total, notice });
  return {
    began(work) {
      title = work.title;
      tell(0, 0, null);
    },
    progress(done, total) {
      const now = performance.now();
      if (done < total && now - told < 1000 / PER_SECOND) return;
      told = now;
      tell(done, total, null);
    },
    epoch: (text) => tell(0, 0, text),
    notice: (text) => tell(0, 0, text),
    ended: () => undefined,
  };
}

export const tasksHandlers = (tasks: Tasks): Handlers<typeof tasksCalls> => ({
  'tasks.cancel'({ task }) {
    tasks.cancel(task);
    return {};
  },
});
