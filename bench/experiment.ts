import { experimentConfigSchema, type ExperimentConfig, type ExtractorPreset } from '../src/shared/config.ts';
import { initialExtractor } from '../src/main/engine/models/wideResNet.ts';
import { WIDE_RES_NETS } from '../src/main/engine/models/wideResNetShape.ts';
import type { NamedArrays } from '../src/main/engine/models/arrays.ts';
import type { Engines } from '../src/main/engine/process/engines.ts';
import type { Job, JobEvent, NamedHead, TransferDescription } from '../src/main/engine/process/protocol.ts';
import { transferSpecOf } from '../src/main/workbench/runInProgress.ts';

/** The small experiment that the benches measure with: real images, weights that have learnt something, the demo's six heads. */
export interface Experiment {
  readonly config: ExperimentConfig;
  readonly extractor: NamedArrays;
  /** Trained on the target. */
  readonly heads: readonly NamedHead[];
  /** Indices of target test images, balanced over the classes. */
  readonly instances: Int32Array;
}

/** What the benches measure with unless they say otherwise. */
export const PRESET = 'wrn-10-2';

const TRAINING_INSTANCES = 1000;
const INSTANCES = 100;

const configOf = (preset: ExtractorPreset): ExperimentConfig =>
  experimentConfigSchema.parse({
    name: `bench, ${preset}`,
    seed: 1,
    source: { dataset: 'fashion-mnist', trainingInstances: TRAINING_INSTANCES },
    target: { dataset: 'mnist', trainingInstances: TRAINING_INSTANCES },
    extractor: { preset },
    training: {
      source: { learningRate: 1e-3, maxEpochs: 4 },
      heads: { learningRate: 2e-3, maxEpochs: 8 },
    },
    heads: [1, 4].flatMap((layers) => [
      { layers, constraint: 'none' },
      { layers, constraint: 'wn' },
      { layers, constraint: 'wn-l1', temperature: 30 },
    ]),
    instances: INSTANCES,
  });

/**
 * Makes the weights on the engines, in seconds: certificates of untrained heads abstain early and would cost less than real ones.
 * @param extractor 'initial' leaves out the extractor's training, which wide ones take minutes for; its heads learn on it all the same
 */
export async function trainExperiment(
  engines: Engines,
  preset: ExtractorPreset,
  extractor: 'trained' | 'initial' = 'trained',
): Promise<Experiment> {
  const config = configOf(preset);
  const transfer = transferSpecOf(config);
  const arrays =
    extractor === 'initial'
      ? initialExtractor(WIDE_RES_NETS[preset], 1, config.seed)
      : await trainedExtractor(engines, config);
  const heads: NamedHead[] = [];
  const job: Job = {
    kind: 'train-heads',
    transfer,
    config,
    extractor: arrays,
    domain: 'target',
    heads: config.heads.map((spec, i) => ({ id: `head ${i}`, spec, checkpoint: null })),
  };
  await engines.run([job], (event) => {
    if (event.kind === 'head') heads.push({ id: event.head, weights: event.weights });
  });
  heads.sort((a, b) => (a.id < b.id ? -1 : 1)); // they arrive as they finish
  const { domains } = await described(engines, config);
  return { config, extractor: arrays, heads, instances: domains.target.instances };
}

async function trainedExtractor(engines: Engines, config: ExperimentConfig): Promise<NamedArrays> {
  const job = { kind: 'train-extractor', transfer: transferSpecOf(config), config, checkpoint: null } as const;
  return (await only(engines, job, 'extractor')).extractor;
}

async function described(engines: Engines, config: ExperimentConfig): Promise<TransferDescription> {
  const job = {
    kind: 'describe',
    transfer: transferSpecOf(config),
    instances: INSTANCES,
    attacked: { noiseAttack: INSTANCES, pgd: INSTANCES, adversarialSearch: INSTANCES },
  } as const;
  return (await only(engines, job, 'description')).description;
}

/** Runs a job for the one event of a kind that it gives. */
async function only<Kind extends JobEvent['kind']>(
  engines: Engines,
  job: Job,
  kind: Kind,
): Promise<Extract<JobEvent, { kind: Kind }>> {
  const found: Extract<JobEvent, { kind: Kind }>[] = [];
  await engines.run([job], (event) => {
    if (event.kind === kind) found.push(event as Extract<JobEvent, { kind: Kind }>);
  });
  if (found.length !== 1)
    throw new Error(`internal: bench: ${job.kind} gave ${found.length} events "${kind}", expected 1`);
  return found[0];
}
