import type { Domain, ExperimentConfig } from '../../shared/config.ts';
import { DOMAINS } from '../../shared/config.ts';
import type { HeadWeights } from '../../shared/results.ts';
import type { Engines } from '../engine/process/engines.ts';
import type { Job, JobEvent, TransferDescription, TransferSpec } from '../engine/process/protocol.ts';
import type { Store } from '../store/store.ts';
import type { StageRecord } from '../store/tables/stage.ts';
import {
  decodeCheckpoint,
  decodeExtractor,
  decodeHead,
  encodeCheckpoint,
  encodeExtractor,
  encodeHead,
} from './artefactCodec.ts';
import type { TrainedExtractor } from './artefactCodec.ts';
import { weightsOf } from './storedRun.ts';
import { dataKeys, isExtractorsHead, planStages, type StagePlan } from './stageKeys.ts';

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
interface Stage {
  readonly plan: StagePlan;
  readonly row: StageRecord;
}

export function transferSpecOf({ source, target, seed }: ExperimentConfig): TransferSpec {
  return {
    source: { dataset: source.dataset, trainingInstances: source.trainingInstances ?? null },
    target: { dataset: target.dataset, trainingInstances: target.trainingInstances ?? null, size: target.size },
    seed,
  };
}

/**
 * Works off every stage of a run that is not done yet. Results are committed as the engine makes them, so that whatever
 * ends this leaves a run that goes on from the last committed instance or epoch.
 * @throws what the engine or the store throws; nothing committed is undone
 */
export async function executeRun(inputs: RunInputs): Promise<void> {
  const description = await describe(inputs);
  const stages = registerStages(inputs, description);
  const run = new RunInProgress(inputs, description, stages);
  const extractor = await run.extractor();
  // One engine trains them one after the other; several train them side by side.
  const together = inputs.engines.backend.engines > 1 ? [DOMAINS] : DOMAINS.map((domain) => [domain]);
  for (const domains of together) await run.heads(domains, extractor);
  for (const domain of DOMAINS) await run.predictions(domain, extractor);
  for (const domain of DOMAINS) await run.pgd(domain, extractor);
  for (const domain of DOMAINS) await run.certificates(domain, extractor);
}

async function describe({ config, engines, signal }: RunInputs): Promise<TransferDescription> {
  const described: TransferDescription[] = [];
  const attacked = Math.min(config.pgd.instances ?? config.instances, config.instances);
  const job: Job = { kind: 'describe', transfer: transferSpecOf(config), instances: config.instances, attacked };
  await engines.run([job], (event) => event.kind === 'description' && described.push(event.description), signal);
  const [description] = described;
  if (described.length !== 1) throw new Error(`internal: the engine described the data ${described.length} times`);
  return description;
}

function registerStages({ runId, config, store }: RunInputs, description: TransferDescription): Stage[] {
  return planStages(config, dataKeys(config, description)).map((plan, position) => {
    const row = store.stages.ensureStage({
      key: plan.key,
      kind: plan.kind,
      domain: plan.domain,
      headLabel: plan.head,
      inputs: plan.inputs,
    });
    store.stages.link(runId, row.id, position);
    return { plan, row };
  });
}

class RunInProgress {
  readonly #inputs: RunInputs;
  readonly #description: TransferDescription;
  readonly #stages: readonly Stage[];

  constructor(inputs: RunInputs, description: TransferDescription, stages: readonly Stage[]) {
    this.#inputs = inputs;
    this.#description = description;
    this.#stages = stages;
  }

  async extractor(): Promise<TrainedExtractor> {
    const stage = this.#stages.find(({ plan }) => plan.kind === 'extractor')!;
    const title = `Extractor ${this.#config.extractor.preset} on ${this.#config.source.dataset}`;
    await this.#work(
      title,
      [stage],
      () => {
        const checkpoint = this.#checkpointOf(stage);
        return [{ kind: 'train-extractor', transfer: this.#transfer, config: this.#config, checkpoint }];
      },
      (event) => {
        if (event.kind === 'epoch') this.#epoch(stage, event);
        if (event.kind === 'extractor') this.#keepWeights(stage, encodeExtractor(event));
      },
    );
    return decodeExtractor(weightsOf(this.#inputs.store, stage.row));
  }

  async heads(domains: readonly Domain[], extractor: TrainedExtractor): Promise<void> {
    const stages = domains.flatMap((domain) => this.#of('head', domain));
    const own = stages.filter((stage) => this.#isOwn(stage));
    for (const stage of own) {
      if (!this.#isDone(stage)) this.#keepWeights(stage, encodeHead(extractor.head));
    }
    const trained = stages.filter((stage) => !this.#isOwn(stage));
    await this.#work(
      `Heads on ${domains.map((domain) => `${this.#dataset(domain)} (${domain})`).join(' and ')}`,
      trained,
      (open) => {
        const jobs = domains.map((domain): Extract<Job, { kind: 'train-heads' }> => ({
          kind: 'train-heads',
          ...this.#onExtractor(domain, extractor),
          heads: open
            .filter(({ plan }) => plan.domain === domain)
            .map((stage) => ({
              id: stage.plan.key,
              spec: this.#config.heads[stage.plan.headIndex!],
              checkpoint: this.#checkpointOf(stage),
            })),
        }));
        return jobs.filter(({ heads }) => heads.length > 0);
      },
      (event) => {
        if (event.kind === 'epoch') this.#epoch(this.#byKey(event.head!), event);
        if (event.kind === 'head') this.#keepWeights(this.#byKey(event.head), encodeHead(event.weights));
      },
    );
  }

  async predictions(domain: Domain, extractor: TrainedExtractor): Promise<void> {
    const { store } = this.#inputs;
    await this.#work(
      `Clean accuracy, ${domain}`,
      this.#of('prediction', domain),
      (open) => [
        {
          kind: 'predict',
          ...this.#onExtractor(domain, extractor),
          heads: open.map((stage) => ({ id: stage.plan.key, weights: this.#headOf(stage) })),
          indices: this.#description.domains[domain].instances,
        },
      ],
      (event) => {
        if (event.kind === 'predictions')
          store.results.insertPredictions(this.#byKey(event.head).row.id, event.records);
      },
    );
  }

  async pgd(domain: Domain, extractor: TrainedExtractor): Promise<void> {
    const { store } = this.#inputs;
    for (const stage of this.#of('pgd', domain)) {
      await this.#work(
        `PGD, ${domain}, ${stage.plan.head}`,
        [stage],
        () => {
          const attacked = new Set(store.results.attackedIndices(stage.row.id));
          const indices = this.#description.domains[domain].attacked.filter((index) => !attacked.has(index));
          const head = { id: stage.plan.key, weights: this.#headOf(stage) };
          return [{ kind: 'pgd', ...this.#onExtractor(domain, extractor), head, indices }];
        },
        (event) => {
          if (event.kind === 'pgd') store.results.insertPgd(stage.row.id, event.records);
        },
      );
    }
  }

  async certificates(domain: Domain, extractor: TrainedExtractor): Promise<void> {
    const { store } = this.#inputs;
    const { instances } = this.#description.domains[domain];
    await this.#work(
      `Certificates, ${domain}`,
      this.#of('certification', domain),
      (open) => {
        const done = new Map(
          open.map((stage) => [stage.plan.key, new Set(store.results.certifiedIndices(stage.row.id))]),
        );
        const missing = Array.from(instances, (datasetIndex) => ({
          datasetIndex,
          heads: open.map(({ plan }) => plan.key).filter((key) => !done.get(key)!.has(datasetIndex)),
        }));
        const heads = open.map((stage) => ({ id: stage.plan.key, weights: this.#headOf(stage) }));
        const lacking = missing.filter((one) => one.heads.length > 0);
        return [{ kind: 'certify', ...this.#onExtractor(domain, extractor), heads, instances: lacking }];
      },
      (event) => {
        if (event.kind === 'certificates') store.results.commitInstance(this.#byKey(event.head).row.id, event.records);
      },
    );
  }

  /** Runs jobs for the stages among these that are not done, and marks them done. */
  async #work(
    title: string,
    stages: readonly Stage[],
    jobsOf: (open: readonly Stage[]) => readonly Job[],
    onEvent: (event: JobEvent) => void,
  ): Promise<void> {
    const { store, engines, reporter, signal } = this.#inputs;
    if (stages.length === 0) return;
    const open = stages.filter((stage) => !this.#isDone(stage));
    reporter.began({ title, reused: open.length === 0 });
    if (open.length === 0) return;
    const started = performance.now();
    const environment = engines.backend;
    for (const { row } of open) store.stages.setStatus(row.id, { status: 'running', environment });
    await engines.run(
      jobsOf(open),
      (event) => {
        if (event.kind === 'progress') reporter.progress(event.done, event.total);
        else if (event.kind === 'notice') reporter.notice(event.text);
        else onEvent(event);
      },
      signal,
    );
    const seconds = (performance.now() - started) / 1000;
    for (const { row } of open) store.stages.setStatus(row.id, { status: 'done', seconds });
    reporter.ended(seconds);
  }

  #epoch(stage: Stage, { report, checkpoint }: Extract<JobEvent, { kind: 'epoch' }>): void {
    const { store, reporter } = this.#inputs;
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
  #keepWeights(stage: Stage, bytes: Uint8Array): void {
    const { store } = this.#inputs;
    store.artefacts.put(stage.row.id, { role: 'weights', kind: stage.plan.kind, bytes });
    store.artefacts.release(stage.row.id, 'checkpoint');
    store.stages.setStatus(stage.row.id, { status: 'done' });
  }

  #checkpointOf(stage: Stage): ReturnType<typeof decodeCheckpoint> | null {
    const { artefacts } = this.#inputs.store;
    const found = artefacts.ofStage(stage.row.id).find(({ role }) => role === 'checkpoint');
    return found === undefined ? null : decodeCheckpoint(artefacts.read(found.hash));
  }

  /** Weights of the head that a stage evaluates. */
  #headOf({ plan }: Stage): HeadWeights {
    const head = this.#of('head', plan.domain!).find((stage) => stage.plan.headIndex === plan.headIndex)!;
    return decodeHead(weightsOf(this.#inputs.store, head.row));
  }

  #of(kind: StagePlan['kind'], domain: Domain): Stage[] {
    return this.#stages.filter(({ plan }) => plan.kind === kind && plan.domain === domain);
  }
  #byKey(key: string): Stage {
    return this.#stages.find(({ plan }) => plan.key === key)!;
  }
  #isDone({ row }: Stage): boolean {
    return this.#inputs.store.stages.get(row.id).status === 'done';
  }
  #isOwn({ plan }: Stage): boolean {
    return plan.domain === 'source' && isExtractorsHead(this.#config, this.#config.heads[plan.headIndex!]);
  }
  #onExtractor(domain: Domain, { extractor }: TrainedExtractor) {
    return { transfer: this.#transfer, config: this.#config, extractor, domain };
  }
  #dataset(domain: Domain): string {
    return this.#config[domain].dataset;
  }
  get #config(): ExperimentConfig {
    return this.#inputs.config;
  }
  get #transfer(): TransferSpec {
    return transferSpecOf(this.#config);
  }
}
