import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { currentOwner, isAlive } from '../../../store/owner.ts';
import { cancelledIn, readJournal, submissionsIn } from '../journal.ts';
import { readLaunchFile, type LaunchFile } from '../launchFile.ts';
import { logPath, readDone, recordsOf, recordStart } from '../records.ts';
import { slotsOf, type Slot } from './slots.ts';
import { publishSupervisor } from './supervisorFile.ts';

const TICK_MILLISECONDS = 200;
/** A task's process asks for another try. */
export const AGAIN = 75;

/**
 * Starts the tasks that were sent to this machine, as many at once as there are slots, until none is left. Tasks are processes of their
 * own: they outlive it, and another one goes on where it ended.
 * @param from submissions before this one are not its business
 */
export async function supervise(folder: string, from: number): Promise<void> {
  const launch = readLaunchFile(folder);
  const slots = await slotsOf(launch.settings.workers ?? null);
  const supervisor = new Supervisor(folder, launch, { slots, from });
  while (supervisor.tick()) await delay(TICK_MILLISECONDS);
}

class Supervisor {
  readonly #folder: string;
  readonly #launch: LaunchFile;
  readonly #slots: readonly Slot[];
  readonly #running = new Map<string, { readonly child: ChildProcess; readonly slot: string }>();
  readonly #owner = currentOwner();
  #waiting: string[] = [];
  #consumed: number;
  #said = '';

  constructor(folder: string, launch: LaunchFile, of: { readonly slots: readonly Slot[]; readonly from: number }) {
    this.#folder = folder;
    this.#launch = launch;
    this.#slots = of.slots;
    this.#consumed = of.from;
  }

  /** @returns whether there is more to do */
  tick(): boolean {
    this.#takeUp();
    this.#start();
    // A task that is started is at no moment in neither list, whoever looks.
    this.#say();
    return this.#waiting.length + this.#running.size > 0;
  }

  #takeUp(): void {
    const journal = readJournal(this.#folder);
    const submissions = submissionsIn(journal);
    for (const { tasks } of submissions.slice(this.#consumed)) {
      for (const task of tasks) if (!this.#waiting.includes(task)) this.#waiting.push(task);
    }
    this.#consumed = submissions.length;
    const cancelled = cancelledIn(journal);
    this.#waiting = this.#waiting.filter((task) => !cancelled.has(task));
  }

  #start(): void {
    const free = this.#freeSlots();
    for (const task of [...this.#waiting]) {
      const needs = this.#launch.tasks.find(({ id }) => id === task)!.needs;
      const open = needs.filter((need) => readDone(this.#folder, need) === null);
      if (open.some((need) => !this.#isComing(need))) {
        // What it needs will not come from here; it is sent again when that changes.
        this.#waiting = this.#waiting.filter((one) => one !== task);
        continue;
      }
      if (open.length > 0) continue;
      const slot = free.shift();
      if (slot === undefined) return;
      this.#waiting = this.#waiting.filter((one) => one !== task);
      this.#spawn(task, slot);
    }
  }

  #isComing(task: string): boolean {
    return this.#waiting.includes(task) || this.#running.has(task) || this.#orphans().has(task);
  }

  /** Tasks that an earlier supervisor started, with their slots. */
  #orphans(): Map<string, string | null> {
    const records = recordsOf(
      this.#folder,
      this.#launch.tasks.map(({ id }) => id),
    );
    const alive = [...records].flatMap(([task, { attempts }]) => {
      const last = attempts.at(-1);
      if (last?.end !== null || this.#running.has(task)) return [];
      return last.host === hostname() && isAlive(last) ? [[task, last.job] as const] : [];
    });
    return new Map(alive);
  }

  #freeSlots(): Slot[] {
    if (this.#waiting.length === 0) return [];
    const taken = new Set<string | null>([
      ...[...this.#running.values()].map(({ slot }) => slot),
      ...this.#orphans().values(),
    ]);
    return this.#slots.filter(({ name }) => !taken.has(name));
  }

  #spawn(task: string, slot: Slot): void {
    const [command, ...program] = this.#launch.program;
    const { setup } = this.#launch.settings;
    recordStart(this.#folder, task);
    const log = openSync(logPath(this.#folder, task), 'a');
    const taskArgs = [...program, 'launch', 'task', this.#folder, task];
    const [file, args] =
      setup.length === 0
        ? [command, taskArgs]
        : ['/bin/bash', ['-c', [...setup, 'exec "$@"'].join('\n'), 'task', command, ...taskArgs]];
    const child = spawn(file, args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...slot.environment, PTW_TASK_SLOT: slot.name },
    });
    closeSync(log);
    this.#running.set(task, { child, slot: slot.name });
    const over = (code: number | null): void => {
      this.#running.delete(task);
      if (code === null || code === AGAIN || code > 128) this.#waiting.push(task);
    };
    child.once('error', () => over(1));
    child.once('exit', over);
  }

  #say(): void {
    const now = { consumed: this.#consumed, waiting: [...this.#waiting], running: [...this.#running.keys()] };
    const said = JSON.stringify(now);
    if (said === this.#said) return;
    this.#said = said;
    publishSupervisor(this.#folder, { host: hostname(), ...this.#owner, ...now });
  }
}
