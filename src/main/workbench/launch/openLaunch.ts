import {
  TASK_STATES,
  type LaunchStatus,
  type ResumeVerb,
  type TaskState,
  type TaskStatus,
} from '../../../shared/launch.ts';
import { BadInput } from '../errors.ts';
import { countsOf, mixedDevices, type DeviceCount } from '../studies/devices.ts';
import { cancelledIn, note, readJournal } from './journal.ts';
import { readLaunchFile, type LaunchFile } from './launchFile.ts';
import { LauncherUnreachable, type Job, type Launcher } from './launcher.ts';
import { holdingLock } from './launcherLock.ts';
import { LocalLauncher } from './local/localLauncher.ts';
import { lostLately } from './lostLately.ts';
import { dependents, type Task } from './planTasks.ts';
import { recordReset, recordsOf, type TaskRecords } from './records.ts';
import { taskOf } from './runTask.ts';
import { SlurmLauncher } from './slurm/slurmLauncher.ts';
import { tailOf } from './tail.ts';
import { taskStates, toSend, type TaskStanding } from './taskStates.ts';

/** A launch whose folder this machine sees. Everything it knows is in that folder and with the scheduler. */
export interface OpenLaunch {
  readonly folder: string;
  readonly file: LaunchFile;
  status(): Promise<LaunchStatus>;
  /** Sends what was not sent yet or got lost, as far as there is room. */
  advance(): Promise<LaunchStatus>;
  /** @throws BadInput where there is nothing of the kind to do again */
  resume(verb: ResumeVerb): Promise<LaunchStatus>;
  /** Tasks with those that wait for them; all that are not over without a list. @throws BadInput for an unknown task */
  cancel(tasks: readonly string[] | null): Promise<LaunchStatus>;
  /** The last lines of a task's log. @throws BadInput for an unknown task, and where there is no log yet */
  log(task: string, lines: number): Promise<string>;
  /** Of the shards that are there: what was published of each. */
  done(): NonNullable<TaskRecords['done']>[];
}

/** @throws BadInput where the folder holds no launch */
export function openLaunch(folder: string): OpenLaunch {
  const file = readLaunchFile(folder);
  const launcher = file.launcher === 'slurm' ? new SlurmLauncher(folder, file) : new LocalLauncher(folder, file);
  return new Opened(folder, file, launcher);
}

interface Look {
  readonly standings: readonly TaskStanding[];
  readonly records: ReadonlyMap<string, TaskRecords>;
  /** What keeps the scheduler from answering; null where it does. */
  readonly unreachable: string | null;
}

class Opened implements OpenLaunch {
  readonly folder: string;
  readonly file: LaunchFile;
  readonly #launcher: Launcher;
  #heldBack: string | null = null;
  /** Jobs as they were when the scheduler last answered. */
  #jobs: ReadonlyMap<string, Job> = new Map();

  constructor(folder: string, file: LaunchFile, launcher: Launcher) {
    this.folder = folder;
    this.file = file;
    this.#launcher = launcher;
  }

  async status(): Promise<LaunchStatus> {
    return this.#told(await this.#look());
  }

  async advance(): Promise<LaunchStatus> {
    const before = await this.#look();
    if (before.unreachable !== null || this.#toSend(before.standings).length === 0) return this.#told(before);
    return holdingLock(this.folder, async () => {
      // Another one may have sent them meanwhile.
      const look = await this.#look();
      return this.#told(look.unreachable === null ? await this.#send(look) : look);
    });
  }

  async resume(verb: ResumeVerb): Promise<LaunchStatus> {
    return holdingLock(this.folder, async () => {
      const look = await this.#look();
      if (look.unreachable !== null) throw new LauncherUnreachable(look.unreachable);
      const chosen = toResume(look.standings, verb);
      if (chosen.length === 0) throw new BadInput(`launch ${this.file.name}: ${NOTHING[verb]}`);
      for (const { task, state, attempts } of chosen) {
        const isRestart = verb === 'restart-failed' && state === 'failed';
        const { starts } = look.records.get(task.id)!;
        recordReset(this.folder, task.id, { from: attempts + 1, starts, isRestart });
      }
      note(this.folder, { event: 'resumed', tasks: chosen.map(({ task }) => task.id) });
      return this.#told(await this.#send(await this.#look()));
    });
  }

  async cancel(tasks: readonly string[] | null): Promise<LaunchStatus> {
    for (const task of tasks ?? []) taskOf(this.file, task);
    return holdingLock(this.folder, async () => {
      const { standings } = await this.#look();
      const chosen = new Set(tasks ?? standings.map(({ task }) => task.id));
      const all = new Set([...chosen, ...dependents(this.file.tasks, chosen)]);
      const open = standings
        .filter(({ task, state }) => all.has(task.id) && state !== 'done')
        .map(({ task }) => task.id);
      // Written down first: what is cancelled is not sent again, whoever looks in between.
      note(this.folder, { event: 'cancelled', tasks: open });
      await this.#launcher.cancel(open);
      return this.#told(await this.#look());
    });
  }

  async log(task: string, lines: number): Promise<string> {
    taskOf(this.file, task);
    for (const file of (await this.#launcher.logs(task)).reverse()) {
      const text = tailOf(file, lines);
      if (text !== null) return text;
    }
    throw new BadInput(`task ${task} has written no log yet`);
  }

  done(): NonNullable<TaskRecords['done']>[] {
    return [...this.#records().values()].flatMap(({ done }) => done ?? []);
  }

  #records(): Map<string, TaskRecords> {
    return recordsOf(
      this.folder,
      this.file.tasks.map(({ id }) => id),
    );
  }

  async #look(): Promise<Look> {
    let unreachable: string | null = null;
    try {
      this.#jobs = await this.#launcher.jobs();
    } catch (error) {
      if (!(error instanceof LauncherUnreachable)) throw error;
      unreachable = error.message;
    }
    // After the scheduler: what has ended by then has left its word.
    const records = this.#records();
    const cancelled = cancelledIn(readJournal(this.folder));
    const looked = { records, jobs: this.#jobs, cancelled, tries: this.file.settings.tries };
    return { standings: taskStates(this.file.tasks, looked), records, unreachable };
  }

  async #send({ standings }: Look): Promise<Look> {
    const alive = new Set(
      standings.filter(({ state }) => state === 'waiting' || state === 'running').map(({ task }) => task.id),
    );
    const tasks = this.#toSend(standings);
    if (tasks.length === 0) return this.#look();
    const { heldBack } = await this.#launcher.send(tasks, alive);
    this.#heldBack = heldBack;
    return this.#look();
  }

  #toSend(standings: readonly TaskStanding[]): Task[] {
    const tasks = toSend(standings);
    // Processes of this machine leave their word before they end.
    if (this.file.launcher === 'local') return tasks;
    const lost = standings.filter(({ state }) => state === 'lost').map(({ task }) => task.id);
    const early = lostLately(this.folder, lost, this.file.settings.poll_s * 1e3);
    return tasks.filter(({ id, needs }) => !early.has(id) && !needs.some((need) => early.has(need)));
  }

  #told({ standings, records, unreachable }: Look): LaunchStatus {
    const tasks = standings.map(toStatus);
    const counts = Object.fromEntries(
      TASK_STATES.map((state) => [state, tasks.filter((task) => task.state === state).length]),
    ) as Record<TaskState, number>;
    const devices = devicesOfTasks([...records.values()]);
    const unsent = counts.unsent + counts.lost;
    return {
      name: this.file.name,
      study: (this.file.document as { readonly name?: string }).name ?? this.file.name,
      launcher: this.file.launcher,
      folder: this.folder,
      tasks,
      counts,
      devices: devices.map(({ device, count }) => ({ device, tasks: count })),
      notices: [
        ...(unreachable === null
          ? []
          : [`The scheduler does not answer, so this is how it stood before: ${unreachable}`]),
        ...(this.#heldBack === null || unsent === 0 ? [] : [`${unsent} tasks are not sent yet: ${this.#heldBack}`]),
        ...mixedNotice(devices),
      ],
      at: new Date().toISOString(),
    };
  }
}

const NOTHING: Readonly<Record<ResumeVerb, string>> = {
  'resume-unfinished': 'nothing is left to resume: every task is done, waiting or running',
  'resume-failed': 'no task has failed; resume-unfinished takes up cancelled and lost ones',
  'restart-failed': 'no task has failed; resume-unfinished takes up cancelled and lost ones',
};

/** With the tasks that were blocked by them. */
function toResume(standings: readonly TaskStanding[], verb: ResumeVerb): TaskStanding[] {
  const states: readonly TaskState[] =
    verb === 'resume-unfinished' ? ['unsent', 'lost', 'failed', 'blocked', 'cancelled'] : ['failed'];
  const chosen = standings.filter(({ state }) => states.includes(state));
  const ids = new Set(chosen.map(({ task }) => task.id));
  const behind = dependents(
    standings.map(({ task }) => task),
    ids,
  );
  return standings.filter(({ task, state }) => ids.has(task.id) || (behind.has(task.id) && state === 'blocked'));
}

function toStatus({ task, state, attempts, tries, committed, reason, job }: TaskStanding): TaskStatus {
  return {
    id: task.id,
    title: task.title,
    kind: task.kind,
    cell: task.cell,
    state,
    attempts,
    tries,
    committed,
    reason: state === 'done' ? null : reason,
    job: job?.id ?? null,
    node: job?.node ?? null,
  };
}

function devicesOfTasks(records: readonly TaskRecords[]): DeviceCount[] {
  return countsOf(records.flatMap(({ done }) => (done === null ? [] : [[...new Set(done.devices)].join(', ')])));
}

/** With what can be done about it. */
const mixedNotice = (devices: readonly DeviceCount[]): string[] =>
  mixedDevices(devices, 'tasks').map(
    (notice) => `${notice} A "constraint" or "gres" in the launch settings keeps a study on one model.`,
  );
