import type { Task } from './planTasks.ts';

/** How a task that was sent stands with whoever starts it. What it achieved is in the launch's folder. */
export interface Job {
  readonly state: 'waiting' | 'running' | 'gone';
  /** As squeue names it, or a process. */
  readonly id: string;
  readonly node: string | null;
  /** Why it waits, in the scheduler's word. */
  readonly reason: string | null;
}

/** What happened to tasks that were to be sent. */
export interface Sent {
  readonly tasks: readonly string[];
  /** Why the others were not; null where all were. */
  readonly heldBack: string | null;
}

/**
 * Starts tasks, each after those that it needs, and knows which of them are there. It decides nothing: which tasks are sent, and how often,
 * is one function for all launchers (taskStates, advance).
 */
export interface Launcher {
  /** Of every task that was ever sent. @throws LauncherUnreachable while nobody answers */
  jobs(): Promise<Map<string, Job>>;
  /** @param alive tasks that wait or run already, on which these may wait */
  send(tasks: readonly Task[], alive: ReadonlySet<string>): Promise<Sent>;
  /** Ends tasks that wait or run. */
  cancel(tasks: readonly string[]): Promise<void>;
  /** Files to look for a task's log in, the best last. */
  logs(task: string): Promise<string[]>;
}

/** The scheduler does not answer; what it does meanwhile will be seen later. */
export class LauncherUnreachable extends Error {
  override readonly name = 'LauncherUnreachable';
}
