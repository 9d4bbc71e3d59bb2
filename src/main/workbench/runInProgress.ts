import type { Domain, ExperimentConfig } from '../../shared/config.ts';
import type { HeadWeights } from '../../shared/results.ts';
import type { Engines } from '../engine/process/engines.ts';
import type { Job, JobEvent, TransferDescription, TransferSpec } from '../engine/process/protocol.ts';
import { runSteadily } from '../engine/process/steadily.ts';
import { sha256, withoutCure } from '../store/artefactFiles.ts';
import { StoreError } from '../store/errors.ts';
import type { Store } from '../store/store.ts';
import type { StageRecord } from '../store/tables/stage.ts';
import { decodeCheckpoint, decodeHead, encodeCheckpoint, type TrainedExtractor } from './artefactCodec.ts';
import { BadInput } from './errors.ts';
import type { StagePlan } from './stageKeys.ts';
import { weightsOf } from './storedRun.ts';

/** What a host shows while a run works. */
export interface RunReporter {
  /** A piece of work begins: one or more stages worked off in one pass. */
  began(work: { readonly title: string; readonly reused: boolean }): void;
  progress(done: number, total: number): void;
  epoch(text: string): void;
  /** How the work goes on other than asked for. */
  notice(text: string): void;
  ended(seconds: number): void;
}

export interface RunInputs {
  readonly runId: number;
  readonly config: ExperimentConfig;
  readonly store: Store;
  readonly engines: Engines;
  readonly reporter: RunReporter;
  readonly signal: AbortSignal;
}

/** A stage of the run: the plan and the row that holds its results. */
export interface Stage {
  readonly plan: StagePlan;
  readonly row: StageRecord;
}

/** A run's stages in the order in which they are worked off: rows that are there already, of other runs too, and new ones. */
export function linkStages(store: Store, runId: number, plans: readonly StagePlan[]): Stage[] {
  return plans.map((plan, position) => {
    const { key, kind, domain, head, inputs } = plan;
    const row = store.stages.ensureStage({ key, kind, domain, headLabel: head, inputs });
    store.stages.link(runId, row.id, position);
    return { plan, row };
  });
}

export function transferSpecOf({ source, target, seed }: ExperimentConfig): TransferSpec {
  return {
    source: { dataset: source.dataset, trainingInstances: source.trainingInstances ?? null },
    target: { dataset: target.dataset, trainingInstances: target.trainingInstances ?? null, size: target.size },
    seed,
  };
}

/** A piece of work: jobs for those of its stages that are not done yet, and what becomes of their answers. */
export interface Work {
  readonly title: string;
  readonly stages: readonly Stage[];
  readonly jobs: (open: readonly Stage[]) => readonly Job[];
  /** Commits what the engine made. Progress and notices are taken care of. */
  readonly commit: (event: JobEvent) => void;
  /** What is stored with a stage of it when that is done. */
  readonly metrics?: (stage: Stage) => unknown;
}

const otherWeights = ({ plan }: Stage, hash: string): string =>
  `the ${plan.kind}${plan.head === null ? '' : ` "${plan.head}"`} was trained again since its weights are damaged or gone, and others came of it than ` +
  `those that its certificates speak of (${hash.slice(0, 12)}…); resume the run on the backend that trained it, or run it anew under another seed`;

/** What every kind of stage (./stages) works with: the run's inputs, its data and its stages. */
export class RunInProgress {
  readonly inputs: RunInputs;
  readonly description: TransferDescription;
  readonly stages: readonly Stage[];

  constructor(inputs: RunInputs, description: TransferDescription, stages: readonly Stage[]) {
    this.inputs = inputs;
    this.description = description;
    this.stages = stages;
  }

  get config(): ExperimentConfig {
    return this.inputs.config;
  }
  get store(): Store {
    return this.inputs.store;
  }
  get transfer(): TransferSpec {
    return transferSpecOf(this.config);
  }

  /** Runs jobs for the stages of the work that are not done, and marks them done. */
  async work({ title, stages, jobs, commit, metrics }: Work): Promise<void> {
    const { store, engines, reporter, signal } = this.inputs;
    if (stages.length === 0) return;
    const open = stages.filter((stage) => !this.isDone(stage));
    reporter.began({ title, reused: open.length === 0 });
    if (open.length === 0) return;
    const started = performance.now();
    const environment = engines.backend;
    for (const { row } of open) store.stages.setStatus(row.id, { status: 'running', environment });
    const left = (): Stage[] => open.filter((stage) => !this.isDone(stage));
    await runSteadily(engines, {
      jobs: () => (left().length === 0 ? [] : jobs(left())),
      onEvent: (event) => {
        if (event.kind === 'progress') reporter.progress(event.done, event.total);
        else if (event.kind === 'notice') reporter.notice(event.text);
        else commit(event);
      },
      signal,
    });
    const seconds = (performance.now() - started) / 1000;
    for (const stage of open) {
      store.stages.setStatus(stage.row.id, { status: 'done', seconds, metrics: metrics?.(stage) });
    }
    reporter.ended(seconds);
  }

  recordEpoch(stage: Stage, { report, checkpoint }: Extract<JobEvent, { kind: 'epoch' }>): void {
    const { store, reporter } = this.inputs;
    const { epoch, trainingLoss, validation, seconds } = report;
    store.stages.recordEpoch(stage.row.id, {
      epoch,
      trainLoss: trainingLoss,
      validationLoss: validation?.loss ?? null,
      validationAccuracy: validation?.accuracy ?? null,
      seconds,
    });
    const bytes = encodeCheckpoint(checkpoint);
    store.artefacts.put(stage.row.id, { role: 'checkpoint', kind: 'training-checkpoint', bytes });
    const measured =
      validation === null
        ? ''
        : `, validation loss ${validation.loss.toFixed(4)}, accuracy ${(100 * validation.accuracy).toFixed(1)} %`;
    const { domain, head } = stage.plan;
    const trained = head === null ? 'extractor' : `${domain!}, ${head}`;
    reporter.epoch(`${trained}: epoch ${epoch}, training loss ${trainingLoss.toFixed(4)}${measured}`);
  }

  /** Weights end a training: the stage is done and its checkpoint serves nobody any more. */
  keepWeights(stage: Stage, bytes: Uint8Array): void {
    const { store } = this;
    const lost = store.artefacts.ofStage(stage.row.id).find(({ role }) => role === 'weights');
    if (lost !== undefined && lost.hash !== sha256(bytes)) throw new BadInput(otherWeights(stage, lost.hash));
    store.artefacts.put(stage.row.id, { role: 'weights', kind: stage.plan.kind, bytes });
    store.artefacts.release(stage.row.id, 'checkpoint');
    store.stages.setStatus(stage.row.id, { status: 'done' });
  }

  checkpointOf(stage: Stage): ReturnType<typeof decodeCheckpoint> | null {
    const { artefacts } = this.store;
    const found = artefacts.ofStage(stage.row.id).find(({ role }) => role === 'checkpoint');
    if (found === undefined) return null;
    try {
      return decodeCheckpoint(artefacts.read(found.hash));
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'damaged') throw error;
      this.inputs.reporter.notice(`${withoutCure(error)}; its training begins again`);
      return null;
    }
  }

  /** Weights of the head that a stage evaluates. */
  headOf({ plan }: Stage): HeadWeights {
    const head = this.of('head', plan.domain!).find((stage) => stage.plan.headIndex === plan.headIndex)!;
    return decodeHead(weightsOf(this.store, head.row));
  }

  of(kind: StagePlan['kind'], domain: Domain): Stage[] {
    return this.stages.filter(({ plan }) => plan.kind === kind && plan.domain === domain);
  }
  byKey(key: string): Stage {
    return this.stages.find(({ plan }) => plan.key === key)!;
  }
  isDone({ row }: Stage): boolean {
    return this.store.stages.get(row.id).status === 'done';
  }
  /** What every job on a trained extractor says of it. */
  onExtractor(domain: Domain, { extractor }: TrainedExtractor) {
    return { transfer: this.transfer, config: this.config, extractor, domain };
  }
}
