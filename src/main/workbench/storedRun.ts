import { DOMAINS, type Domain, type ExperimentConfig } from '../../shared/config.ts';
import type { HeadWeights } from '../../shared/results.ts';
import type { Store } from '../store/store.ts';
import type { RunRecord } from '../store/tables/run.ts';
import type { StageRecord } from '../store/tables/stage.ts';
import { decodeExtractor, decodeHead, type TrainedExtractor } from './artefactCodec.ts';
import { BadInput } from './errors.ts';
import { parseStoredConfig } from './loadConfig.ts';

/** A run as it lies in the store: what every view, export and verification of it starts from. */
export interface StoredRun {
  readonly run: RunRecord;
  readonly config: ExperimentConfig;
  /** In the order in which they are worked off. */
  readonly stages: readonly StageRecord[];
}

/** @throws StoreError 'not-found' for an unknown run, BadInput for a config of another version */
export function storedRun(store: Store, id: number): StoredRun {
  const run = store.runs.get(id);
  return { run, config: parseStoredConfig(run.config, id), stages: store.stages.ofRun(id) };
}

/** One head on one domain: the row of the run's table that results belong to. */
export interface HeadOfDomain {
  readonly domain: Domain;
  /** The head's label. */
  readonly head: string;
}

/** Every head of the run on either domain, source first. */
export function headsOf({ stages }: StoredRun): HeadOfDomain[] {
  return DOMAINS.flatMap((domain) =>
    stages
      .filter((stage) => stage.kind === 'head' && stage.domain === domain)
      .map((stage) => ({ domain, head: stage.headLabel! })),
  );
}

export function stageOf(
  { stages }: Pick<StoredRun, 'stages'>,
  kind: StageRecord['kind'],
  of: HeadOfDomain,
): StageRecord | undefined {
  return stages.find((stage) => stage.kind === kind && stage.domain === of.domain && stage.headLabel === of.head);
}

/** The weights file of a stage. @throws StoreError 'damaged' when it is not what its hash says; BadInput before training ended */
export function weightsOf(store: Store, stage: Pick<StageRecord, 'id' | 'kind'>): Uint8Array {
  const found = store.artefacts.ofStage(stage.id).find(({ role }) => role === 'weights');
  if (found === undefined) {
    throw new BadInput(`the ${stage.kind} of this run is not trained yet; finish it with: ptw resume <run>`);
  }
  return store.artefacts.read(found.hash);
}

/** Weights of a head of the run. @throws as weightsOf */
export function headWeights(store: Store, run: Pick<StoredRun, 'stages'>, of: HeadOfDomain): HeadWeights {
  return decodeHead(weightsOf(store, stageOf(run, 'head', of)!));
}

/** @throws as weightsOf */
export function trainedExtractor(store: Store, { stages }: Pick<StoredRun, 'stages'>): TrainedExtractor {
  return decodeExtractor(
    weightsOf(
      store,
      stages.find(({ kind }) => kind === 'extractor')!,
    ),
  );
}
