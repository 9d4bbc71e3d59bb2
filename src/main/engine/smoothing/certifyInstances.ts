import * as tf from '@tensorflow/tfjs-core';
import { radiusPixelsFrom } from '../../data/normalisation.ts';
import type { Transfer } from '../../data/transfer.ts';
import type { CertificateRecord, DrawsEvidence, HeadWeights } from '../../../shared/results.ts';
import type { StageContext } from '../context.ts';
import { imageTensor } from '../imageSet.ts';
import { disposeHead, freezeHead } from '../models/head.ts';
import type { FrozenExtractor } from '../models/wideResNet.ts';
import { representationSize } from '../models/wideResNetShape.ts';
import { Passes } from '../passes.ts';
import { valuesOf } from '../readBack.ts';
import type { Job, JobEvent } from '../process/protocol.ts';
import { certificatesOf, type HeadDraws } from './certificatesOf.ts';
import {
  compileNoisyModel,
  DRAWS_BATCH,
  drawKeys,
  eachPassOfDraws,
  putInColumns,
  sortColumns,
  type InstanceDraws,
  type NoisyModel,
} from './draws.ts';

type CertifyJob = Extract<Job, { kind: 'certify' }>;

interface Certification {
  readonly transfer: Transfer;
  readonly extractor: FrozenExtractor;
  readonly context: StageContext & { event(event: JobEvent): void };
}

/**
 * Certifies instances under every head by every method from one set of draws (METHOD.md §4): f(x + η) is computed once
 * an instance. Draws are keyed by (seed, domain, dataset index), so an instance's certificates do not depend on which
 * others, heads or instances, are certified with it.
 */
export async function certifyInstances(
  job: CertifyJob,
  { transfer, extractor, context }: Certification,
): Promise<void> {
  const weights = new Map(job.heads.map((head) => [head.id, head.weights]));
  const heads = Object.fromEntries(job.heads.map((head) => [head.id, freezeHead(head.weights)]));
  const noisy = compileNoisyModel({ extractor, heads }, job.config.certification.sigma);
  const passes = new Passes({ rows: DRAWS_BATCH, of: 'noise draws', release: () => noisy.dispose() }, context);
  const samples = samplesFor(job, representationSize(extractor.net));
  try {
    let done = 0;
    for (const { datasetIndex, heads: ids } of job.instances) {
      await drawInstance(job, { transfer, model: noisy, passes }, { datasetIndex, samples });
      for (const id of ids) {
        const records = certifyHead(job, { id, weights: weights.get(id)!, samples }, { transfer, datasetIndex });
        context.event({ kind: 'certificates', head: id, datasetIndex, records });
      }
      done++;
      context.progress(done, job.instances.length);
      await context.breathe();
    }
  } finally {
    noisy.dispose();
    Object.values(heads).forEach(disposeHead);
  }
}

/** Draws of one instance on the host, as the certificates read them. */
interface Sample {
  /** n */
  readonly draws: number;
  /** By head, [n, K]. */
  readonly logits: ReadonlyMap<string, Float32Array>;
  /** [D, n], each row ascending; null unless representations are certified. */
  readonly columns: Float32Array | null;
}

interface Samples {
  /** Null when the selection is shared. */
  readonly selection: Sample | null;
  readonly estimation: Sample;
}

/** Room for one instance's draws; all instances take turns in it, so that memory does not depend on their number. */
function samplesFor({ heads, config: { certification } }: CertifyJob, dimension: number): Samples {
  const { draws, selectionDraws, selection, methods } = certification;
  const sampleOf = (count: number): Sample => ({
    draws: count,
    logits: new Map(heads.map(({ id, weights }) => [id, new Float32Array(count * weights.layers.at(-1)!.outputs)])),
    columns: methods.includes('representation') ? new Float32Array(dimension * count) : null,
  });
  return { selection: selection === 'separate' ? sampleOf(selectionDraws) : null, estimation: sampleOf(draws) };
}

interface Drawing {
  readonly transfer: Transfer;
  readonly model: NoisyModel;
  readonly passes: Passes;
}

interface DrawnInstance {
  readonly datasetIndex: number;
  /** Is filled. */
  readonly samples: Samples;
}

async function drawInstance(
  { config, domain }: CertifyJob,
  drawing: Drawing,
  { datasetIndex, samples: { selection, estimation } }: DrawnInstance,
): Promise<void> {
  const { test } = drawing.transfer[domain];
  const image = tf.tidy(() => tf.squeeze<tf.Tensor3D>(imageTensor(test, Int32Array.of(datasetIndex)), [0]));
  const keys = drawKeys(config.seed, domain, datasetIndex);
  try {
    if (selection !== null) await fill(selection, drawing, { image, key: keys.selection });
    await fill(estimation, drawing, { image, key: keys.estimation });
  } finally {
    image.dispose();
  }
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
  if (columns !== null) sortColumns(columns, draws);
}

function certifyHead(
  { config: { certification, seed, precision }, domain }: CertifyJob,
  { id, weights, samples: { selection, estimation } }: { id: string; weights: HeadWeights; samples: Samples },
  { transfer, datasetIndex }: { transfer: Transfer; datasetIndex: number },
): CertificateRecord[] {
  const facts: DrawsEvidence = {
    seed,
    sigma: certification.sigma,
    alpha: certification.alpha,
    draws: certification.draws,
    selectionDraws: selection?.draws ?? 0,
    selection: certification.selection,
    precision,
  };
  const head: HeadDraws = {
    facts,
    weights,
    classes: weights.layers.at(-1)!.outputs,
    selectionLogits: selection?.logits.get(id) ?? null,
    estimationLogits: estimation.logits.get(id)!,
    columns:
      estimation.columns === null ? null : { selection: selection?.columns ?? null, estimation: estimation.columns },
  };
  const [label] = transfer[domain].test.labels(Int32Array.of(datasetIndex));
  return certificatesOf(head, certification).map(({ verdict, ...certificate }) => ({
    ...certificate,
    datasetIndex,
    label,
    verdict,
    radiusPixels:
      verdict.outcome === 'certified' ? radiusPixelsFrom(verdict.radiusNormalised, transfer.statistics) : null,
  }));
}
