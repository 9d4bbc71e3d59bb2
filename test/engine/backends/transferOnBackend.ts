// Run in a process of its own, with the backend's name: sends what each stage of a transfer computes there.
import * as tf from '@tensorflow/tfjs-core';
import { QUIET } from '../../../src/main/engine/context.ts';
import type { DomainImages, Transfer, TransferDomain } from '../../../src/main/data/transfer.ts';
import { pgd } from '../../../src/main/engine/attacks/pgd.ts';
import { predict } from '../../../src/main/engine/attacks/predict.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import type { BackendName } from '../../../src/main/engine/backends/openBackend.ts';
import { everyIndex, imageTensor } from '../../../src/main/engine/imageSet.ts';
import { disposeHead, finishedHead, freezeHead, initialHead } from '../../../src/main/engine/models/head.ts';
import { disposeParameters, parametersFrom } from '../../../src/main/engine/models/parameters.ts';
import { extract, freeze, initialExtractor } from '../../../src/main/engine/models/wideResNet.ts';
import { groupSort } from '../../../src/main/engine/ops/groupSort.ts';
import { noiseSource, standardNormal } from '../../../src/main/engine/ops/standardNormal.ts';
import { takeValues } from '../../../src/main/engine/readBack.ts';
import { certifyInstances } from '../../../src/main/engine/smoothing/certifyInstances.ts';
import { drawKeys, noisyImages } from '../../../src/main/engine/smoothing/draws.ts';
import type { Checkpoint } from '../../../src/main/engine/training/checkpoint.ts';
import { trainExtractor } from '../../../src/main/engine/training/trainExtractor.ts';
import { trainHeads } from '../../../src/main/engine/training/trainHeads.ts';
import { certificationSchema, pgdSchema } from '../../../src/shared/config.ts';
import type { ExperimentConfig, HeadSpec } from '../../../src/shared/config.ts';
import type { CertificateRecord, HeadWeights, PgdRecord, PredictionRecord } from '../../../src/shared/results.ts';
import { toySet } from '../toySet.ts';
import { trainingOf } from '../training/trainingOf.ts';
import { spreadValues } from './gradientCases.ts';

const NET = { blocks: [1, 1, 1], width: 1 } as const;
const SHAPE = { inputs: 64, classes: 3 };
const LINEAR: HeadSpec = { layers: 1, constraint: 'none', bound: 1, groupSize: 2, temperature: 1 };
const DEEP: HeadSpec = { ...LINEAR, layers: 4, constraint: 'wn' };
const SEED = 5;
const training = toySet(16);

export interface TrainingResult {
  readonly loss: number;
  readonly validationLoss: number;
  readonly checkpoint: Checkpoint;
}

/** Two epochs of one step each, or the second alone, from the first one's checkpoint. */
async function train(checkpoint: Checkpoint | null): Promise<TrainingResult[]> {
  const results: TrainingResult[] = [];
  await trainExtractor(
    {
      net: NET,
      head: { spec: DEEP, ...SHAPE },
      training,
      validation: toySet(8, { seed: 2 }),
      settings: trainingOf({ procedure: 'noise', batchSize: 16, maxEpochs: 2, validationEvery: 1 }),
      seed: SEED,
      checkpoint,
    },
    {
      ...QUIET,
      epoch: ({ trainingLoss, validation }, made) => {
        results.push({ loss: trainingLoss, validationLoss: validation!.loss, checkpoint: made });
      },
    },
  );
  return results;
}

const newHead = async (spec: HeadSpec): Promise<HeadWeights> => {
  const parameters = parametersFrom(initialHead({ spec, ...SHAPE }, SEED));
  const weights = await finishedHead({ spec, ...SHAPE }, parameters);
  disposeParameters(parameters);
  return weights;
};

const newExtractor = () => freeze(NET, initialExtractor(NET, 1, 3));

async function representations(): Promise<Float32Array> {
  const extractor = newExtractor();
  const values = await takeValues(tf.tidy(() => extract(extractor, imageTensor(training, Int32Array.of(0, 1, 2, 3)))));
  disposeParameters(extractor.parameters);
  return values;
}

/** The first noisy images of an instance: their noise is the certificate's, so it must be the same to the bit. */
async function noise(): Promise<Float32Array> {
  const image = tf.tidy(() => tf.squeeze<tf.Tensor3D>(imageTensor(training, Int32Array.of(0)), [0]));
  const { estimation } = drawKeys(SEED, 'target', 0);
  const images = tf.tidy(() => {
    const source = noiseSource({ key: estimation, first: 3, size: image.size });
    return noisyImages(image, { sigma: 0.25, normals: standardNormal(source, [4, image.size]) });
  });
  const values = takeValues(images);
  image.dispose();
  return values;
}

/** A transfer's part that certification reads. */
function transferOf(test: DomainImages): Transfer {
  const target = { test } as TransferDomain;
  return { source: target, target, statistics: { mean: [0], deviation: [0.5] } } as unknown as Transfer;
}

async function certificates(): Promise<CertificateRecord[]> {
  const extractor = newExtractor();
  const certification = certificationSchema.parse({ sigma: 0.05, draws: 60, selectionDraws: 30, alpha: 0.05 });
  const records: CertificateRecord[] = [];
  await certifyInstances(
    {
      kind: 'certify',
      transfer: { source: null, target: null, seed: SEED } as never,
      config: { seed: SEED, certification } as unknown as ExperimentConfig,
      extractor: {},
      domain: 'target',
      heads: [
        { id: 'linear', weights: await newHead(LINEAR) },
        { id: 'deep', weights: await newHead(DEEP) },
      ],
      instances: [{ datasetIndex: 1, heads: ['linear', 'deep'] }],
    },
    {
      transfer: transferOf(training),
      extractor,
      context: {
        ...QUIET,
        event: (event) => {
          if (event.kind === 'certificates') records.push(...event.certified.flatMap((of) => of.records));
        },
      },
    },
  );
  disposeParameters(extractor.parameters);
  return records;
}

/** One epoch of two heads in company on noisy images: the losses, and the weights that come of it. */
async function heads(): Promise<{ losses: number[]; weights: HeadWeights[] }> {
  const extractor = newExtractor();
  const losses: number[] = [];
  const weights: HeadWeights[] = [];
  await trainHeads(
    {
      domain: 'target',
      extractor,
      heads: [LINEAR, DEEP].map((spec) => ({ shape: { ...SHAPE, spec }, checkpoint: null })),
      training,
      validation: training,
      settings: trainingOf({ procedure: 'noise', batchSize: 16, maxEpochs: 1, validationEvery: 1 }),
      seed: SEED,
    },
    {
      ...QUIET,
      epoch: (_, { trainingLoss }) => losses.push(trainingLoss),
      finished: (_, finished) => weights.push(finished),
    },
  );
  disposeParameters(extractor.parameters);
  return { losses, weights };
}

async function predictions(): Promise<PredictionRecord[]> {
  const extractor = newExtractor();
  const head = freezeHead(await newHead(DEEP));
  const records: PredictionRecord[] = [];
  await predict(
    { extractor, heads: [head], set: training, indices: everyIndex(training) },
    { ...QUIET, predicted: (_, made) => records.push(...made) },
  );
  disposeHead(head);
  disposeParameters(extractor.parameters);
  return records;
}

async function attack(): Promise<PgdRecord[]> {
  const extractor = newExtractor();
  const head = freezeHead(await newHead(LINEAR));
  const records: PgdRecord[] = [];
  const settings = pgdSchema.parse({ epsilon: 0.5, steps: 3, restarts: 1 });
  await pgd(
    {
      extractor,
      head,
      set: training,
      indices: everyIndex(training),
      settings,
      domain: 'target',
      seed: SEED,
    },
    { ...QUIET, attacked: (made) => records.push(...made) },
  );
  disposeHead(head);
  disposeParameters(extractor.parameters);
  return records;
}

/** Groups of four with ties, sorted, and where an upstream gradient goes from there. */
async function sorting(): Promise<{ values: Float32Array; gradient: Float32Array }> {
  const x = tf.tensor2d([3, 1, 2, 5, -1, -1, 4, -7, 0, 2, 0, 1e-30, 9, 8, 7, 6], [2, 8]);
  const upstream = spreadValues([2, 8], 1, 1000);
  const values = await takeValues(groupSort(x, 4));
  const gradient = await takeValues(tf.grad((t: tf.Tensor) => groupSort(t as tf.Tensor2D, 4))(x, upstream));
  tf.dispose([x, upstream]);
  return { values, gradient };
}

/** One product with a long inner dimension, five times. */
async function longProducts(): Promise<Float32Array[]> {
  const a = spreadValues([16, 40_000], -1, 1) as tf.Tensor2D;
  const b = spreadValues([40_000, 16], -3, 5) as tf.Tensor2D;
  const products: Float32Array[] = [];
  for (let i = 0; i < 5; i++) products.push(await takeValues(tf.matMul(a, b)));
  tf.dispose([a, b]);
  return products;
}

/** exp of the same values straight from the host, and after a step on the device has given them. */
async function exponentials(): Promise<{ fromHost: Float32Array; fromDevice: Float32Array }> {
  const x = spreadValues([8, 8], -20, 20);
  const moved = tf.tidy(() => tf.neg(tf.neg(spreadValues([8, 8], -20, 20))));
  const result = { fromHost: await takeValues(tf.exp(x)), fromDevice: await takeValues(tf.exp(moved)) };
  tf.dispose([x, moved]);
  return result;
}

/** What is held on the device; only webgpu tells its bytes. */
function held(): { tensors: number; buffers: number; bytes: number } {
  const { numTensors, numDataBuffers, numBytesInGPU } = tf.memory() as tf.MemoryInfo & { numBytesInGPU?: number };
  return { tensors: numTensors, buffers: numDataBuffers, bytes: numBytesInGPU ?? 0 };
}

export type Held = ReturnType<typeof held>;

/** Results, and what is held before and after a second pass of the same. */
async function everything() {
  const compute = async () => {
    const trained = await train(null);
    return {
      trained,
      resumed: await train(trained[0].checkpoint),
      representations: await representations(),
      noise: await noise(),
      certificates: await certificates(),
      heads: await heads(),
      predictions: await predictions(),
      attack: await attack(),
      sorting: await sorting(),
      longProducts: await longProducts(),
      exponentials: await exponentials(),
    };
  };
  const first = await compute();
  const before = held();
  const second = await compute();
  return { first, second, before, after: held() };
}

export type OnBackend = Awaited<ReturnType<typeof everything>>;

await openBackend(process.argv[2] as BackendName);
process.send!(await everything());
