import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CertificationSettings, Precision } from '../../src/shared/config.ts';
import { startEngines, type Engines } from '../../src/main/engine/process/engines.ts';
import type { Job, NamedHead } from '../../src/main/engine/process/protocol.ts';
import { openStore, type Store } from '../../src/main/store/store.ts';
import { transferSpecOf } from '../../src/main/workbench/runInProgress.ts';
import type { Experiment } from '../experiment.ts';

/** What a run has: engines in processes of their own, and a store on the disk. */
export interface Host {
  readonly engines: Engines;
  readonly store: Store;
}

/** Lends a host with a store in a temporary folder, gone afterwards. */
export async function withHost<T>(body: (host: Host) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'ptw-bench-'));
  const store = openStore(folder);
  const engines = await startEngines();
  try {
    return await body({ engines, store });
  } finally {
    await engines.close();
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface CertificationWork {
  readonly experiment: Experiment;
  readonly heads: readonly NamedHead[];
  readonly instances: Int32Array;
  /** What differs from the experiment's. */
  readonly settings?: Partial<CertificationSettings>;
  /** Else the experiment's. */
  readonly precision?: Precision;
}

/** Milliseconds. */
export interface CertificationTimes {
  /**
   * Of each instance on the disk while every engine draws one and certifies another: all but the first two of each engine, which pay for weights and
   * graphs and have the processor to themselves, and its last.
   */
  readonly each: number;
  readonly total: number;
  readonly certificates: number;
}

/**
 * Certifies instances as a run does, by the same job of the engines and the same commits: an instance counts when its records are on
 * the disk. `each` is NaN where no engine has more than `UNCOUNTED`.
 */
export async function certify({ engines, store }: Host, work: CertificationWork): Promise<CertificationTimes> {
  const { experiment, heads, instances, settings, precision = experiment.config.precision } = work;
  const config = {
    ...experiment.config,
    precision,
    certification: { ...experiment.config.certification, ...settings },
  };
  const stages = new Map(heads.map(({ id }) => [id, freshStage(store)]));
  const finished: number[] = [];
  let certificates = 0;
  const started = performance.now();
  const job: Job = {
    kind: 'certify',
    transfer: transferSpecOf(config),
    config,
    extractor: experiment.extractor,
    domain: 'target',
    heads,
    instances: Array.from(instances, (datasetIndex) => ({ datasetIndex, heads: heads.map(({ id }) => id) })),
  };
  await engines.run([job], (event) => {
    if (event.kind !== 'certificates') return;
    certificates += store.results.commitInstanceOfStages(
      event.certified.map(({ head, records }) => ({ stageId: stages.get(head)!, certificates: records })),
    );
    finished.push(performance.now());
  });
  if (finished.length !== instances.length) {
    throw new Error(`internal: bench: ${finished.length} instances were certified, expected ${instances.length}`);
  }
  const all = engines.backend.engines;
  const counted = finished.length - UNCOUNTED * all;
  return {
    each: counted > 0 ? (finished.at(-1 - all)! - finished[2 * all - 1]) / counted : NaN,
    total: performance.now() - started,
    certificates,
  };
}

/** Instances of each engine that are not counted in `each`. */
export const UNCOUNTED = 3;

let stagesMade = 0;

/** A new stage for each measurement: what a stage holds already would not be written again. */
function freshStage(store: Store): number {
  const key = createHash('sha256').update(`bench ${stagesMade++}`).digest('hex');
  return store.stages.ensureStage({ key, kind: 'certification', domain: 'target', headLabel: null, inputs: {} }).id;
}
