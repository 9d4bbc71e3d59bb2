import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publish } from '../durableFile.ts';
import { note, readJournal, submissionsIn, type Submission } from '../journal.ts';
import type { LaunchFile } from '../launchFile.ts';
import { LauncherUnreachable, type Job, type Launcher, type Sent } from '../launcher.ts';
import type { Task } from '../planTasks.ts';
import { logPath } from '../records.ts';
import { arraysOf, within, type TaskArray } from './arrays.ts';
import {
  isStuck,
  parseAccounting,
  parseConfig,
  parseQueue,
  smallestLimit,
  SQUEUE_FORMAT,
  toJob,
  type ClusterLimits,
  type QueueLine,
} from './queue.ts';
import { sbatchScript } from './sbatchScript.ts';

const run = promisify(execFile);

/** A command of Slurm. @throws LauncherUnreachable with what it said */
async function slurm(command: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(command, [...args], { maxBuffer: 1 << 28, timeout: 120_000 });
    return stdout;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') {
      throw new LauncherUnreachable(
        `${command} is not on this machine; send from a login node, or with "ssh" in the launch settings`,
      );
    }
    throw new LauncherUnreachable(`${command}: ${(stderr ?? '').trim() || String(error)}`);
  }
}

/** The last look at the queue, kept so that several commands in a row ask Slurm once. */
interface Look {
  readonly at: number;
  readonly lines: readonly QueueLine[];
}

/** Sends tasks as job arrays with dependencies. Run on a machine that has Slurm's commands. */
export class SlurmLauncher implements Launcher {
  readonly #folder: string;
  readonly #launch: LaunchFile;
  #limits: ClusterLimits | null = null;

  constructor(folder: string, launch: LaunchFile) {
    this.#folder = folder;
    this.#launch = launch;
  }

  async jobs(): Promise<Map<string, Job>> {
    const { lines } = await this.#look();
    const byId = new Map(lines.map((line) => [`${line.job}_${String(line.index)}`, line]));
    const jobs = new Map<string, Job>();
    for (const { tasks, job } of this.#submissions(lines)) {
      for (const [index, task] of tasks.entries()) {
        const line = job === null ? undefined : byId.get(`${job}_${index}`);
        const gone: Job = { state: 'gone', id: job === null ? 'unknown' : `${job}_${index}`, node: null, reason: null };
        jobs.set(task, line === undefined ? gone : toJob(line));
      }
    }
    return jobs;
  }

  async send(tasks: readonly Task[], alive: ReadonlySet<string>): Promise<Sent> {
    const limits = await this.#clusterLimits();
    const room = await this.#room(limits);
    await this.#clearStuck(tasks);
    const sent = new Set<string>();
    const ids = new Set(tasks.map(({ id }) => id));
    const isOpen = (task: string): boolean => ids.has(task) || alive.has(task);
    const arrays = arraysOf(tasks, { largest: limits.largestArray, isOpen });
    let heldBack: string | null = null;
    for (const array of within(arrays, room.left)) {
      // What it waits for was held back: it waits for its turn too.
      if (array.after.some((task) => !alive.has(task) && !sent.has(task))) continue;
      heldBack = await this.#submit(array);
      if (heldBack !== null) break;
      for (const { id } of array.tasks) sent.add(id);
    }
    if (heldBack === null && sent.size < tasks.length) heldBack = `there is room for ${room.left} more (${room.said})`;
    this.#forgetLook();
    return { tasks: [...sent], heldBack };
  }

  async cancel(tasks: readonly string[]): Promise<void> {
    this.#forgetLook();
    const jobs = await this.jobs();
    const ids = tasks.flatMap((task) => {
      const job = jobs.get(task);
      return job === undefined || job.state === 'gone' ? [] : [job.id];
    });
    for (let i = 0; i < ids.length; i += 500) await slurm('scancel', ids.slice(i, i + 500));
    this.#forgetLook();
  }

  async logs(task: string): Promise<string[]> {
    const own = logPath(this.#folder, task);
    const of = this.#submissions([]).findLast(({ tasks }) => tasks.includes(task));
    if (of?.job === undefined || of.job === null) return Promise.resolve([own]);
    return Promise.resolve([join(this.#folder, 'logs', `slurm-${of.job}_${of.tasks.indexOf(task)}.log`), own]);
  }

  /** A submission whose launcher died before it knew the job's number is found again by its name. */
  #submissions(lines: readonly QueueLine[]): Submission[] {
    return submissionsIn(readJournal(this.#folder)).map((submission) => {
      if (submission.job !== null) return submission;
      const line = lines.find(({ name }) => name === submission.name);
      if (line === undefined) return submission;
      note(this.#folder, { event: 'sent', name: submission.name, job: line.job });
      return { ...submission, job: line.job };
    });
  }

  /** @returns why it was refused; null where it was taken */
  async #submit(array: TaskArray): Promise<string | null> {
    const submissions = submissionsIn(readJournal(this.#folder));
    const name = `ptw-${this.#launch.name}-${String(nextNumber(readJournal(this.#folder)))}`;
    const { settings, program } = this.#launch;
    const file = join(this.#folder, 'scripts', `${name}.sh`);
    publish(file, sbatchScript({ name, folder: this.#folder, settings, program, array }));
    note(this.#folder, { event: 'sending', name, tasks: array.tasks.map(({ id }) => id) });
    const after = array.after.map((task) => jobIdOf(submissions, task));
    const dependency = after.length === 0 ? [] : [`--dependency=afterok:${after.join(':')}`];
    try {
      const job = (await slurm('sbatch', ['--parsable', ...dependency, file])).trim().split(';')[0];
      note(this.#folder, { event: 'sent', name, job });
      return null;
    } catch (error) {
      if (!(error instanceof LauncherUnreachable)) throw error;
      // It may have been taken and the answer lost; then its name is in the queue.
      const there = await this.#find(name);
      if (there !== null) {
        note(this.#folder, { event: 'sent', name, job: there });
        return null;
      }
      note(this.#folder, { event: 'refused', name, reason: error.message });
      return error.message;
    }
  }

  async #find(name: string): Promise<string | null> {
    const lines = parseQueue(await slurm('squeue', [...SQUEUE, `--name=${name}`]));
    return lines.at(0)?.job ?? null;
  }

  /** One call for everything, not more often than every poll_s seconds, whoever asks. */
  async #look(): Promise<Look> {
    const file = join(this.#folder, 'queue.json');
    const kept = readLook(file);
    if (kept !== null && Date.now() - kept.at < this.#launch.settings.poll_s * 1e3) return kept;
    const lines = parseQueue(await slurm('squeue', [...SQUEUE, `--user=${userInfo().username}`]));
    const look = { at: Date.now(), lines: await this.#withAccounting(lines) };
    publish(file, JSON.stringify(look));
    return look;
  }

  #forgetLook(): void {
    publish(join(this.#folder, 'queue.json'), JSON.stringify({ at: 0, lines: [] } satisfies Look));
  }

  /** How jobs ended that the queue has forgotten, where the cluster keeps accounts. */
  async #withAccounting(lines: readonly QueueLine[]): Promise<QueueLine[]> {
    const known = new Set(lines.map(({ job }) => job));
    const forgotten = this.#submissions(lines).flatMap(({ job }) => (job === null || known.has(job) ? [] : [job]));
    if (forgotten.length === 0 || !(await this.#clusterLimits()).hasAccounting) return [...lines];
    const text = await slurm('sacct', ['-X', '-n', '-P', '-o', 'JobID,State,NodeList', '-j', forgotten.join(',')]);
    const ended = [...parseAccounting(text)].map(([id, { state, node }]) => {
      const [job, index] = id.split('_');
      return { job, index: Number(index), state, reason: 'None', node, name: '' };
    });
    return [...lines, ...ended];
  }

  async #clusterLimits(): Promise<ClusterLimits> {
    return (this.#limits ??= parseConfig(await slurm('scontrol', ['show', 'config'])));
  }

  /** Tasks that may still be sent, by the settings and the limits that the cluster tells. */
  async #room({ maxJobs, hasAccounting }: ClusterLimits): Promise<{ readonly left: number; readonly said: string }> {
    const { max_submit: chosen, account, qos } = this.#launch.settings;
    const user = userInfo().username;
    const limits: (readonly [number, string])[] = [[maxJobs, `the controller holds ${maxJobs} jobs`]];
    if (chosen !== undefined) limits.push([chosen, `max_submit is ${chosen}`]);
    if (hasAccounting) {
      const where = ['where', `user=${user}`, ...(account === undefined ? [] : [`account=${account}`])];
      const own = smallestLimit(await slurm('sacctmgr', ['-nP', 'show', 'assoc', ...where, 'format=maxsubmit']));
      limits.push([own, `the account may have ${own} jobs submitted`]);
      if (qos !== undefined) {
        const ofQos = smallestLimit(
          await slurm('sacctmgr', ['-nP', 'show', 'qos', 'where', `name=${qos}`, 'format=maxsubmitpu']),
        );
        limits.push([ofQos, `the QOS ${qos} allows ${ofQos} jobs submitted`]);
      }
    }
    const [most, said] = limits.reduce((least, one) => (one[0] < least[0] ? one : least));
    const mine = (await this.#look()).lines.filter((line) => toJob(line).state !== 'gone').length;
    return { left: Math.max(0, most - mine), said };
  }

  /** Jobs of these tasks that wait for what will never come. */
  async #clearStuck(tasks: readonly Task[]): Promise<void> {
    const wanted = new Set(tasks.map(({ id }) => id));
    const { lines } = await this.#look();
    const stuck = new Set(lines.filter(isStuck).map(({ job, index }) => `${job}_${String(index)}`));
    const ids = this.#submissions(lines).flatMap(({ job, tasks: sent }) =>
      sent.flatMap((task, i) => (wanted.has(task) && stuck.has(`${String(job)}_${i}`) ? [`${String(job)}_${i}`] : [])),
    );
    if (ids.length > 0) await slurm('scancel', ids);
  }
}

const SQUEUE = ['--array', '--noheader', '--states=all', `--format=${SQUEUE_FORMAT}`];

function jobIdOf(submissions: readonly Submission[], task: string): string {
  const of = submissions.findLast(({ tasks, job }) => job !== null && tasks.includes(task));
  if (of === undefined) throw new Error(`internal: task ${task} is waited for and was never sent`);
  return `${of.job!}_${of.tasks.indexOf(task)}`;
}

/** Submissions are numbered through, refused ones too, so that no name comes twice. */
const nextNumber = (journal: ReturnType<typeof readJournal>): number =>
  journal.filter(({ event }) => event === 'sending').length + 1;

function readLook(file: string): Look | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Look;
  } catch {
    return null;
  }
}
