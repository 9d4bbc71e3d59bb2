import type { ExperimentConfig } from '../../shared/config.ts';
import { EngineDied, EngineError, JobCancelled } from '../engine/process/client.ts';
import type { Engines } from '../engine/process/engines.ts';
import { startSteadily } from '../engine/process/steadily.ts';
import { isOfStorage } from '../store/errors.ts';
import type { Store } from '../store/store.ts';
import type { RunSummary } from '../store/runs.ts';
export type { RunSummary };
import { checkBackend } from './checkConfig.ts';
import { Interrupted, RunFailed, type Culprit } from './errors.ts';
import { executeRun } from './executeRun.ts';
import { peakMemory } from './runs/peakMemory.ts';
import { parseStoredConfig } from './loadConfig.ts';
import type { ReportRow } from '../../shared/report.ts';
import { reportOf } from './report.ts';
import type { RunReporter } from './runInProgress.ts';
import { recordFigures } from './runs/figures.ts';
import { headsOf, stageOf, storedRun, type StoredRun } from './storedRun.ts';
import { reading, writingWhile } from './storeOfFolder.ts';

/** What a host needs to show while a run works. */
export interface RunHost {
  readonly reporter: RunReporter;
  readonly signal: AbortSignal;
  /** Called once the first engine has opened a backend. */
  opened(engines: Engines): void;
  /** Called when work on a run begins, before the reporter says anything of it. */
  working?(runId: number): void;
}

/**
 * Starts a run of a config and works it off.
 * @returns its id
 * @throws BadInput when the backend cannot compute it
 * @throws Interrupted when the signal aborts it: the run can be resumed
 * @throws RunFailed with the reason; what was committed is kept and the run can be resumed
 */
export async function startRun(folder: string, config: ExperimentConfig, host: RunHost): Promise<number> {
  return writingWhile(folder, (store) => startRunIn(store, config, host));
}

/** As startRun. @param created is told the run's id before its work begins */
export async function startRunIn(
  store: Store,
  config: ExperimentConfig,
  { created, ...host }: RunHost & { readonly created?: (id: number) => void },
): Promise<number> {
  store.runs.markStale();
  return withEngines(config, host, async (engines) => {
    const { id } = store.runs.create({ name: config.name, config, environment: engines.backend });
    created?.(id);
    await work(store, engines, { id, config, host });
    return id;
  });
}

/** Takes a run up where it ended; a finished one is checked for missing stages and is otherwise left alone. */
export async function resumeRun(folder: string, id: number, host: RunHost): Promise<number> {
  return writingWhile(folder, (store) => resumeRunIn(store, id, host));
}

/** As resumeRun. */
export async function resumeRunIn(store: Store, id: number, host: RunHost): Promise<number> {
  store.runs.markStale();
  const config = parseStoredConfig(store.runs.get(id).config, id);
  return withEngines(config, host, async (engines) => {
    store.runs.resume(id, { environment: engines.backend });
    await work(store, engines, { id, config, host });
    return id;
  });
}

async function withEngines<T>(
  config: ExperimentConfig,
  host: RunHost,
  body: (engines: Engines) => Promise<T>,
): Promise<T> {
  const engines = await startSteadily(host.signal);
  try {
    host.opened(engines);
    checkBackend(config, engines.backend);
    return await body(engines);
  } finally {
    await engines.close();
  }
}

async function work(
  store: Store,
  engines: Engines,
  { id, config, host }: { id: number; config: ExperimentConfig; host: RunHost },
): Promise<void> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  try {
    host.working?.(id);
    await executeRun({ runId: id, config, store, engines, reporter: host.reporter, signal: host.signal });
    store.runs.finish(id, seconds());
    recordFigures(store, id, peakMemory(engines.pids()));
  } catch (error) {
    const wasStopped = error instanceof JobCancelled || host.signal.aborted;
    const culprit = culpritOf(error);
    const failure = error instanceof Error ? error.message : String(error);
    recordEnd(() => {
      if (wasStopped || culprit === 'storage') store.runs.interrupt(id, seconds());
      else store.runs.fail(id, { failure, seconds: seconds() });
      recordFigures(store, id, peakMemory(engines.pids()));
    });
    if (wasStopped) throw new Interrupted(id);
    throw new RunFailed(id, failure, { cause: error instanceof EngineError ? undefined : error, culprit });
  }
}

function culpritOf(error: unknown): Culprit {
  if (error instanceof EngineDied) return 'engine';
  return isOfStorage(error) ? 'storage' : 'run';
}

/** On a full disk not even the end can be written; the reason that the user reads is still the first one. */
function recordEnd(record: () => void): void {
  try {
    record();
  } catch {
    // The run stays 'running' though nobody works on it, and is marked interrupted before anything runs again.
  }
}

export function listRuns(folder: string): RunSummary[] {
  return reading(folder, (store) => store.runs.list());
}

export interface RunReport {
  readonly run: RunSummary;
  readonly config: ExperimentConfig;
  readonly rows: readonly ReportRow[];
  /** A test image of the target that has certificates, preferably a proved one of a deep head; null when there are none. */
  readonly exampleInstance: number | null;
  /** Numbers of the studies that it is part of. */
  readonly studies: readonly number[];
}

/** A run with its table. @throws StoreError 'not-found' */
export function showRun(folder: string, id: number): RunReport {
  return reading(folder, (store) => {
    const stored = storedRun(store, id);
    const run = store.runs.list().find((candidate) => candidate.id === id)!;
    return {
      run,
      config: stored.config,
      rows: reportOf(store, stored),
      exampleInstance: exampleInstance(store, stored),
      studies: store.studies.ofRun(id),
    };
  });
}

function exampleInstance(store: Store, run: StoredRun): number | null {
  const headers = headsOf(run)
    .filter(({ domain }) => domain === 'target')
    .flatMap((of) => stageOf(run, 'certification', of) ?? [])
    .flatMap((stage) => store.results.certificateHeaders(stage.id));
  const proved = headers.findLast(
    ({ rule, soundness, verdict }) => rule !== null && soundness === 'proved' && verdict.outcome === 'certified',
  );
  return (proved ?? headers.at(0))?.datasetIndex ?? null;
}
