import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExperimentConfig } from '../../../shared/config.ts';
import type { TransferDescription } from '../../engine/process/protocol.ts';
import { startEngines, type Engines } from '../../engine/process/engines.ts';
import { currentOwner } from '../../store/owner.ts';
import type { Store } from '../../store/store.ts';
import { checkBackend } from '../checkConfig.ts';
import { BadInput } from '../errors.ts';
import { describe, workOffStages } from '../executeRun.ts';
import { parseConfig } from '../loadConfig.ts';
import { linkStages, RunInProgress, type Stage } from '../runInProgress.ts';
import { dataKeys, planStages } from '../stageKeys.ts';
import type { RunHost } from '../workbench.ts';
import { putArtefact, takeArtefact } from './artefactExchange.ts';
import { cancelledIn, readJournal } from './journal.ts';
import { readLaunchFile, type LaunchFile } from './launchFile.ts';
import type { Task } from './planTasks.ts';
import { describeMachine, jobOf, provenanceOf, type Provenance } from './provenance.ts';
import {
  artefactsOf,
  readDone,
  readRecords,
  recordAttempt,
  recordDone,
  recordEnd,
  triesUsed,
  type End,
} from './records.ts';
import { committedIn, expectedInstances, partOf, type ShardFacts } from './shardFacts.ts';
import { forget, openScratch, publishShard, saveProgress, type Scratch } from './taskScratch.ts';

/** How a process that was started for a task ends. `again` asks for another try. */
export type TaskOutcome = 'done' | 'again' | 'failed';

/** A network disk may show a file some time after it was written elsewhere. */
const NEED_SECONDS = 90;

/** How a task is shown, stopped, and given engines; its own ones unless it is given others. */
export interface TaskHost extends RunHost {
  readonly engines?: () => Promise<Engines>;
}

/**
 * Computes one task of a launch and publishes its shard. What was committed is saved now and then, when the signal aborts it and when it
 * fails, and the next attempt goes on from there.
 */
export async function runTask(folder: string, id: string, host: TaskHost): Promise<TaskOutcome> {
  const launch = readLaunchFile(folder);
  const task = taskOf(launch, id);
  const records = readRecords(folder, id);
  if (records.done !== null) {
    host.reporter.notice('its shard is there already');
    return 'done';
  }
  if (cancelledIn(readJournal(folder)).has(id)) {
    host.reporter.notice('it was cancelled meanwhile');
    return 'failed';
  }
  // The start that this is one of is not in vain yet.
  const used = triesUsed({ ...records, starts: records.starts - 1 }, true);
  if (used >= launch.settings.tries) {
    host.reporter.notice(`${used} tries in a row got no further; it is not tried again before it is told to`);
    return 'failed';
  }
  const owner = currentOwner();
  const at = new Date().toISOString();
  const attempt = recordAttempt(folder, { task: id, at, host: hostname(), ...owner, job: jobOf(process.env) });
  const end = await new Attempt({ folder, launch, task, attempt, host, beganAt: at }).run();
  recordEnd(folder, id, end);
  if (end.reason !== null) host.reporter.notice(end.reason);
  if (end.outcome === 'done') return 'done';
  const isOver = end.outcome === 'refused' || triesUsed(readRecords(folder, id), true) >= launch.settings.tries;
  return isOver ? 'failed' : 'again';
}

/** @throws BadInput naming some that there are */
export function taskOf({ tasks, name }: LaunchFile, id: string): Task {
  const task = tasks.find((one) => one.id === id);
  if (task !== undefined) return task;
  const some = tasks.slice(0, 3).map((one) => one.id);
  throw new BadInput(`launch ${name} has no task "${id}"; its ${tasks.length} tasks begin with ${some.join(', ')}`);
}

interface AttemptInputs {
  readonly folder: string;
  readonly launch: LaunchFile;
  readonly task: Task;
  readonly attempt: number;
  readonly host: TaskHost;
  readonly beganAt: string;
}

class Attempt {
  readonly #inputs: AttemptInputs;
  #own: readonly Stage[] = [];

  constructor(inputs: AttemptInputs) {
    this.#inputs = inputs;
  }

  async run(): Promise<End> {
    const { folder, launch, task, attempt, host } = this.#inputs;
    const scratch = openScratch({ folder, task: task.id }, launch.settings.scratch, (text) =>
      host.reporter.notice(text),
    );
    const ended = (outcome: End['outcome'], reason: string | null): End => ({
      attempt,
      at: new Date().toISOString(),
      outcome,
      reason,
      committed: this.#committed(scratch.store),
    });
    const saving = setInterval(() => this.#trySave(scratch), launch.settings.save_every_min * 60e3);
    try {
      await this.#compute(scratch);
      return ended('done', null);
    } catch (error) {
      this.#trySave(scratch);
      if (host.signal.aborted) return ended('interrupted', 'it was told to stop; what was committed is saved');
      return ended(
        error instanceof BadInput ? 'refused' : 'failed',
        error instanceof Error ? error.message : String(error),
      );
    } finally {
      clearInterval(saving);
      scratch.close();
    }
  }

  async #compute(scratch: Scratch): Promise<void> {
    const { launch, task, host } = this.#inputs;
    const started = performance.now();
    const weights = await this.#weights();
    const config = configOf(launch, task);
    const machine = describeMachine();
    const engines = await (host.engines ?? startEngines)();
    try {
      host.opened(engines);
      checkBackend(config, engines.backend);
      const { runId, description } = await this.#workOff(scratch.store, { config, engines, weights });
      const provenance = provenanceOf({
        machine: await machine,
        backend: engines.backend,
        fingerprints: {
          source: description.domains.source.fingerprint,
          target: description.domains.target.fingerprint,
        },
        job: jobOf(process.env),
        attempt: this.#inputs.attempt,
        beganAt: this.#inputs.beganAt,
        endedAt: new Date().toISOString(),
      });
      this.#publish(scratch, {
        runId,
        description,
        provenance,
        weights,
        seconds: (performance.now() - started) / 1000,
      });
    } finally {
      await engines.close();
    }
  }

  async #workOff(
    store: Store,
    { config, engines, weights }: { config: ExperimentConfig; engines: Engines; weights: ReadonlyMap<string, string> },
  ): Promise<{ runId: number; description: TransferDescription }> {
    const { task, host } = this.#inputs;
    const description = await describe({ config, engines, signal: host.signal });
    const begun = store.runs.list().at(0);
    // What an earlier attempt saved says that it is at work, on whatever machine that was; the copy is this one's alone.
    if (begun?.status === 'running') store.runs.interrupt(begun.id, 0);
    const run = begun ?? store.runs.create({ name: config.name, config, environment: engines.backend });
    if (begun !== undefined) store.runs.resume(run.id, { environment: engines.backend });
    const stages = this.#stages(store, { runId: run.id, config, description, weights });
    this.#own = stages.filter(({ plan }) => task.stages.includes(plan.key));
    const { reporter, signal } = host;
    const inputs = { runId: run.id, config, store, engines, reporter, signal };
    await workOffStages(new RunInProgress(inputs, partOf(description, task.part), stages));
    return { runId: run.id, description };
  }

  /** Those that the task computes, and with their weights those that it reads. */
  #stages(
    store: Store,
    of: {
      readonly runId: number;
      readonly config: ExperimentConfig;
      readonly description: TransferDescription;
      readonly weights: ReadonlyMap<string, string>;
    },
  ): Stage[] {
    const { task, folder } = this.#inputs;
    const wanted = new Set([...task.stages, ...task.inputs]);
    const plans = planStages(of.config, dataKeys(of.config, of.description)).filter(({ key }) => wanted.has(key));
    if (plans.length < wanted.size) throw otherData(of.description);
    const stages = linkStages(store, of.runId, plans);
    for (const { plan, row } of stages) {
      const hash = of.weights.get(plan.key);
      if (hash === undefined) continue;
      // Also where an earlier attempt had them: what it saved has its own results, not what it read.
      store.artefacts.put(row.id, { role: 'weights', kind: plan.kind, bytes: takeArtefact(artefactsOf(folder), hash) });
      store.stages.setStatus(row.id, { status: 'done' });
    }
    return stages;
  }

  /** Hashes of the weights that the task reads. @throws Error where a task that it needs has not ended */
  async #weights(): Promise<Map<string, string>> {
    const { folder, launch, task, host } = this.#inputs;
    const found = new Map<string, string>();
    for (const key of task.inputs) {
      const given = launch.given[key] as string | undefined;
      if (given !== undefined) found.set(key, given);
    }
    for (const need of task.needs) {
      const until = performance.now() + NEED_SECONDS * 1e3;
      let done = readDone(folder, need);
      while (done === null && performance.now() < until) {
        await delay(2000, undefined, { signal: host.signal });
        done = readDone(folder, need);
      }
      if (done === null) throw new Error(`it needs ${need}, which has not ended`);
      for (const key of task.inputs) if (key in done.weights) found.set(key, done.weights[key]);
    }
    return found;
  }

  #publish(
    scratch: Scratch,
    of: {
      readonly runId: number;
      readonly description: TransferDescription;
      readonly provenance: Provenance;
      readonly weights: ReadonlyMap<string, string>;
      readonly seconds: number;
    },
  ): void {
    const { folder, launch, task, attempt } = this.#inputs;
    const { store } = scratch;
    const weights = new Map(of.weights);
    for (const { plan, row } of this.#own) {
      const trained = store.artefacts.ofStage(row.id).find(({ role }) => role === 'weights');
      if (trained !== undefined)
        weights.set(plan.key, putArtefact(artefactsOf(folder), store.artefacts.read(trained.hash)));
    }
    const facts: ShardFacts = {
      launch: launch.name,
      task: task.id,
      own: Object.fromEntries(this.#own.map(({ plan }) => [plan.key, expectedInstances(plan, of.description)])),
      provenance: of.provenance,
    };
    // A run's environment is written when work on it begins; what this one was computed with is known at its end.
    store.runs.interrupt(of.runId, of.seconds);
    store.runs.resume(of.runId, { environment: facts });
    store.runs.finish(of.runId, 0);
    const { shard, bytes } = publishShard(folder, scratch);
    const before = readRecords(folder, task.id).progress;
    recordDone(folder, {
      task: task.id,
      attempt,
      at: new Date().toISOString(),
      shard,
      bytes,
      committed: this.#committed(store),
      weights: Object.fromEntries(weights),
      devices: of.provenance.devices,
      seconds: of.seconds,
    });
    if (before !== null) forget(folder, before, new Set(weights.values()));
  }

  #committed(store: Store): number {
    return committedIn(
      store,
      this.#own.map(({ row }) => row),
    );
  }

  /** A disk that is full must not end a task that computes. */
  #trySave(scratch: Scratch): void {
    const { folder, task, attempt, host } = this.#inputs;
    const stages = this.#own.map(({ row }) => row.id);
    const committed = this.#committed(scratch.store);
    if (committed === 0) return;
    try {
      saveProgress({ folder, task: task.id }, scratch, { attempt, committed, stages });
    } catch (error) {
      host.reporter.notice(`what is done could not be saved: ${String(error)}`);
    }
  }
}

function configOf({ cells }: LaunchFile, { cell }: Task): ExperimentConfig {
  const found = cells.find(({ position }) => position === cell)!;
  return parseConfig(found.config, `the config of ${found.name}`);
}

function otherData({ domains }: TransferDescription): BadInput {
  return new BadInput(
    `the data files or the program here are not those that the launch was planned with: the stages have other keys. ` +
      `Fingerprints here: source ${domains.source.fingerprint}, target ${domains.target.fingerprint}; point PTW_DATA_DIR ` +
      `and PTW_DATA at the same files on every node, and send again after an update of the workbench`,
  );
}
