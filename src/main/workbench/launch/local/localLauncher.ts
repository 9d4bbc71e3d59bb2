import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../../../store/owner.ts';
import { note, readJournal, submissionsIn } from '../journal.ts';
import type { LaunchFile } from '../launchFile.ts';
import type { Job, Launcher, Sent } from '../launcher.ts';
import type { Task } from '../planTasks.ts';
import { logPath, recordsOf, type Attempt, type TaskRecords } from '../records.ts';
import { aliveSupervisor } from './supervisorFile.ts';

/** How long a supervisor may take to see what was sent. */
const SEEN_MILLISECONDS = 30_000;
const GRACE_MILLISECONDS = 10_000;

/** Starts tasks as processes of this machine, by a supervisor that goes on when the program that sent them ends. */
export class LocalLauncher implements Launcher {
  readonly #folder: string;
  readonly #launch: LaunchFile;

  constructor(folder: string, launch: LaunchFile) {
    this.#folder = folder;
    this.#launch = launch;
  }

  jobs(): Promise<Map<string, Job>> {
    const sent = new Set(submissionsIn(readJournal(this.#folder)).flatMap(({ tasks }) => tasks));
    // The supervisor first: a task that it starts meanwhile is then seen twice rather than never.
    const { waiting = [], running = [] } = aliveSupervisor(this.#folder) ?? {};
    const records = this.#records([...sent]);
    const standsWith = (task: string): Job['state'] =>
      running.includes(task) ? 'running' : waiting.includes(task) ? 'waiting' : 'gone';
    return Promise.resolve(new Map([...sent].map((task) => [task, jobOf(records.get(task)!, standsWith(task))])));
  }

  async send(tasks: readonly Task[]): Promise<Sent> {
    const ids = tasks.map(({ id }) => id);
    const before = submissionsIn(readJournal(this.#folder)).length;
    const name = `local-${before + 1}`;
    note(this.#folder, { event: 'sending', name, tasks: ids });
    note(this.#folder, { event: 'sent', name, job: name });
    await this.#beSeen(before);
    return { tasks: ids, heldBack: null };
  }

  async cancel(tasks: readonly string[]): Promise<void> {
    const alive = (): Attempt[] =>
      [...this.#records(tasks).values()].flatMap(({ attempts }) => attempts.slice(-1).filter(isRunning));
    for (const { pid } of alive()) process.kill(pid, 'SIGTERM');
    const until = performance.now() + GRACE_MILLISECONDS;
    while (alive().length > 0 && performance.now() < until) await delay(100);
    for (const { pid } of alive()) process.kill(pid, 'SIGKILL');
  }

  logs(task: string): Promise<string[]> {
    return Promise.resolve([join(this.#folder, 'logs', 'supervisor.log'), logPath(this.#folder, task)]);
  }

  #records(tasks: readonly string[]): Map<string, TaskRecords> {
    return recordsOf(this.#folder, tasks);
  }

  /** A supervisor that is at work takes the submission up; another one is started where none is, or it was just ending. */
  async #beSeen(submission: number): Promise<void> {
    const until = performance.now() + SEEN_MILLISECONDS;
    let started = false;
    while (performance.now() < until) {
      const supervisor = aliveSupervisor(this.#folder);
      if (supervisor !== null && supervisor.consumed > submission) return;
      if (supervisor === null && !started) {
        this.#startSupervisor(submission);
        started = true;
      }
      if (started && supervisor === null && this.#isSettled(submission)) return;
      await delay(100);
    }
    throw new Error(
      `no supervisor took up the tasks within ${SEEN_MILLISECONDS / 1e3} s; ${this.#folder}/logs/supervisor.log says why`,
    );
  }

  /** Tasks so short that their supervisor has come and gone. */
  #isSettled(submission: number): boolean {
    const { tasks } = submissionsIn(readJournal(this.#folder))[submission];
    return [...this.#records(tasks).values()].every(({ done, attempts }) => done !== null || attempts.length > 0);
  }

  #startSupervisor(from: number): void {
    const [command, ...program] = this.#launch.program;
    const log = openSync(join(this.#folder, 'logs', 'supervisor.log'), 'a');
    const child = spawn(command, [...program, 'launch', 'supervise', this.#folder, String(from)], {
      detached: true,
      stdio: ['ignore', log, log],
    });
    child.unref();
    closeSync(log);
  }
}

const isRunning = (attempt: TaskRecords['attempts'][number]): boolean =>
  attempt.end === null && attempt.host === hostname() && isAlive(attempt);

/** @param supervised what the supervisor says of it, if one is at work */
function jobOf({ attempts }: TaskRecords, supervised: Job['state']): Job {
  const last = attempts.at(-1);
  const id = last === undefined ? 'local' : `process ${last.pid}`;
  if (last !== undefined && isRunning(last)) return { state: 'running', id, node: last.host, reason: null };
  return { state: supervised, id, node: last?.host ?? null, reason: null };
}
