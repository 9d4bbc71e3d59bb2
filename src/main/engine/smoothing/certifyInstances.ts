import * as tf from '@tensorflow/tfjs-core';
import type { DomainImages, Transfer } from '../../data/transfer.ts';
import { nearestOnLattice } from '../../math/lattice/lattice.ts';
import { threadCount } from '../backends/machine.ts';
import type { StageContext } from '../context.ts';
import { disposeHead, freezeHead } from '../models/head.ts';
import type { FrozenExtractor } from '../models/wideResNet.ts';
import { representationSize } from '../models/wideResNetShape.ts';
import { Passes } from '../passes.ts';
import { valuesOf } from '../readBack.ts';
import type { Job, JobEvent, NamedHead } from '../process/protocol.ts';
import { startCertifiers, type Certifiers } from './certifiers.ts';
import { putInColumns, sortColumns } from './columns.ts';
import { compileNoisyModel, DRAWS_BATCH, drawKeys, eachPassOfDraws } from './draws.ts';
import type { InstanceDraws, NoisyModel, SmoothingNoise } from './draws.ts';
import type { DrawnInstance, Sample, Samples } from './drawnInstance.ts';

type CertifyJob = Extract<Job, { kind: 'certify' }>;

interface Certification {
  readonly transfer: Transfer;
  readonly extractor: FrozenExtractor;
  readonly context: StageContext & { event(event: JobEvent): void };
  /** That certify what was drawn; by default as many as the processors allow. */
  readonly threads?: number;
}

/**
 * Certifies instances under every head by every method from one set of draws (METHOD.md §4): f(x + η) is computed once
 * an instance. Draws are keyed by (seed, domain, dataset index), so an instance's certificates do not depend on which
 * others, heads or instances, are certified with it. While one instance is certified on another thread, the next is
 * drawn; certificates leave in the order of the instances all the same.
 */
export async function certifyInstances(job: CertifyJob, certification: Certification): Promise<void> {
  const { transfer, extractor, context, threads = certifierThreads() } = certification;
  const heads = Object.fromEntries(job.heads.map((head) => [head.id, freezeHead(head.weights)]));
  const noisy = compileNoisyModel({ extractor, heads }, job.config.certification);
  const passes = new Passes({ rows: DRAWS_BATCH, of: 'noise draws', release: () => noisy.dispose() }, context);
  const rooms = roomsFor(job, { dimension: representationSize(extractor.net), threads });
  const plan = { heads: job.heads.map(compact), config: job.config, statistics: transfer.statistics };
  const certifiers = startCertifiers(plan, { threads: Math.min(threads, rooms.length - 1) });
  try {
    await drawAndCertify(job, { drawing: { transfer, model: noisy, passes }, certifiers, rooms, context });
  } finally {
    await certifiers.close();
    noisy.dispose();
    Object.values(heads).forEach(disposeHead);
  }
}

/** The estimation draws of instances again, in the representation: those that they were certified with, bit for bit on the same engine. */
export async function drawInstances(
  job: Extract<Job, { kind: 'draw' }>,
  { transfer, extractor, context }: Omit<Certification, 'threads'>,
): Promise<void> {
  const { draws } = job.config.certification;
  const model = compileNoisyModel({ extractor, heads: {} }, job.config.certification);
  const passes = new Passes({ rows: DRAWS_BATCH, of: 'noise draws', release: () => model.dispose() }, context);
  const dimension = representationSize(extractor.net);
  let done = 0;
  try {
    for (const datasetIndex of job.indices) {
      const columns = new Float32Array(dimension * draws);
      const estimation: Sample = { draws, logits: new Map(), columns };
      await drawInstance(job, { transfer, model, passes }, { datasetIndex, samples: { selection: null, estimation } });
      sortColumns(columns, draws);
      context.event({ kind: 'columns', datasetIndex, draws, columns });
      context.progress(++done, job.indices.length);
      await context.breathe();
    }
  } finally {
    model.dispose();
  }
}

/** Weights came as views of a whole message, extractor included, all of which would be copied to each thread. */
function compact({ id, weights }: NamedHead): NamedHead {
  const layers = weights.layers.map((layer) => ({
    ...layer,
    weight: layer.weight.slice(),
    bias: layer.bias.slice(),
  }));
  return { id, weights: { ...weights, layers } };
}

/** On wasm there is an engine for each processor already. The rest of the processors draw. */
function certifierThreads(): number {
  if (tf.getBackend() === 'wasm') return 0;
  return Math.min(MOST_THREADS, Math.max(1, Math.floor(threadCount() / 2)));
}

/** A GPU that draws faster than this many threads certify wants more heads on the device, not more threads. */
const MOST_THREADS = 8;

interface Certifying {
  readonly drawing: Drawing;
  readonly certifiers: Certifiers;
  readonly rooms: Samples[];
  readonly context: Certification['context'];
}

/** Each instance is drawn as soon as there is room for it, and its certificates leave when those of all before it have. */
async function drawAndCertify(job: CertifyJob, { drawing, certifiers, rooms, context }: Certifying): Promise<void> {
  /** Of the instances under way, in order: settled, with its room, once an instance's certificates have left. */
  const underWay: Promise<Samples>[] = [];
  let before: Promise<unknown> = Promise.resolve();
  let done = 0;
  for (const { datasetIndex, heads } of job.instances) {
    const samples = rooms.pop() ?? (await underWay.shift()!);
    await drawInstance(job, drawing, { datasetIndex, samples });
    const { test } = drawing.transfer[job.domain];
    const [label] = test.labels(Int32Array.of(datasetIndex));
    const inputs = test.shape.height * test.shape.width * test.shape.channels;
    const certifying = certifiers.certify({ datasetIndex, label, inputs, heads, samples });
    const left = Promise.all([certifying, before]).then(([{ certified, samples: room }]) => {
      context.event({ kind: 'certificates', datasetIndex, certified });
      context.progress(++done, job.instances.length);
      return room;
    });
    // It is awaited below or, when drawing fails first, by nobody.
    left.catch(() => undefined);
    underWay.push(left);
    before = left;
    await context.breathe();
  }
  for (const left of underWay) {
    await left;
    await context.breathe();
  }
}

/** Drawn rooms may take this much memory, in bytes, where two of them do not take more already. */
const MOST_ROOM = 2 ** 29;

/**
 * Rooms for instances' draws; all instances take turns in them, so that memory does not depend on their number. One is
 * drawn into while each thread certifies another.
 */
function roomsFor(
  { heads, config: { certification } }: CertifyJob,
  { dimension, threads }: { readonly dimension: number; readonly threads: number },
): Samples[] {
  const { draws, selectionDraws, selection, methods } = certification;
  const sampleOf = (count: number): Sample => ({
    draws: count,
    logits: new Map(heads.map(({ id, weights }) => [id, new Float32Array(count * weights.layers.at(-1)!.outputs)])),
    columns: methods.includes('representation') ? new Float32Array(dimension * count) : null,
  });
  const bytes = 4 * dimension * (draws + selectionDraws);
  const count = threads === 0 ? 1 : Math.max(2, Math.min(threads + 1, Math.floor(MOST_ROOM / bytes)));
  return Array.from({ length: count }, () => ({
    selection: selection === 'separate' ? sampleOf(selectionDraws) : null,
    estimation: sampleOf(draws),
  }));
}

interface Drawing {
  readonly transfer: Transfer;
  readonly model: NoisyModel;
  readonly passes: Passes;
}

/** Fills the samples. */
async function drawInstance(
  { config, domain }: Pick<CertifyJob, 'config' | 'domain'>,
  drawing: Drawing,
  { datasetIndex, samples: { selection, estimation } }: Pick<DrawnInstance, 'datasetIndex' | 'samples'>,
): Promise<void> {
  const { test } = drawing.transfer[domain];
  const image = smoothedAround(test, datasetIndex, config.certification);
  const keys = drawKeys(config.seed, domain, datasetIndex);
  try {
    if (selection !== null) await fill(selection, drawing, { image, key: keys.selection });
    await fill(estimation, drawing, { image, key: keys.estimation });
  } finally {
    image.dispose();
  }
}

/** The point that noise is added to, [H, W, C]: the image, or the point of the lattice nearest to it. */
function smoothedAround(test: DomainImages, datasetIndex: number, { noise, sigma }: SmoothingNoise): tf.Tensor3D {
  const { height, width, channels } = test.shape;
  const image = test.images(Int32Array.of(datasetIndex));
  return tf.tensor3d(noise === 'lattice' ? nearestOnLattice(image, sigma) : image, [height, width, channels]);
}

async function fill(
  { draws, logits, columns }: Sample,
  drawing: Drawing,
  { image, key }: Pick<InstanceDraws, 'image' | 'key'>,
): Promise<void> {
  await eachPassOfDraws(drawing, { image, key, count: draws }, async (drawn, { first, count }) => {
    for (const [id, ofHead] of Object.entries(drawn.logits)) {
      const [, classes] = ofHead.shape;
      logits.get(id)!.set((await valuesOf(ofHead)).subarray(0, count * classes), first * classes);
    }
    if (columns !== null) putInColumns(columns, await valuesOf(drawn.representations), { first, count, draws });
  });
}
