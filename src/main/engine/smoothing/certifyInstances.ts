import * as tf from '@tensorflow/tfjs-core';
import { radiusPixelsFrom, type ChannelStatistics } from '../../data/normalisation.ts';
import type { Transfer } from '../../data/transfer.ts';
import type { CertificateRecord, DrawsEvidence, HeadWeights } from '../../../shared/results.ts';
import type { StageContext } from '../context.ts';
import { compile, type CompiledStep } from '../compile/compile.ts';
import { imageTensor } from '../imageSet.ts';
import { classify, disposeHead, freezeHead, type FrozenHead } from '../models/head.ts';
import type { FrozenExtractor } from '../models/wideResNet.ts';
import { takeValues } from '../readBack.ts';
import type { Job, JobEvent } from '../process/protocol.ts';
import { certificatesOf, type HeadDraws } from './certificatesOf.ts';
import { compileNoisyExtractor, drawKeys, noisyRepresentations, sortedColumns, type NoisyExtractor } from './draws.ts';

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
  const heads = new Map(job.heads.map(({ id, weights }) => [id, openHead(weights)]));
  const noisy = compileNoisyExtractor(extractor, job.config.certification.sigma);
  try {
    let done = 0;
    for (const instance of job.instances) {
      const draws = await drawInstance(job, { transfer, noisy, context }, instance.datasetIndex);
      for (const id of instance.heads) {
        const records = await certifyHead(job, heads.get(id)!, { ...draws, statistics: transfer.statistics });
        context.event({ kind: 'certificates', head: id, datasetIndex: instance.datasetIndex, records });
      }
      draws.estimation.dispose();
      draws.selection?.dispose();
      done++;
      context.progress(done, job.instances.length);
      await context.breathe();
    }
  } finally {
    noisy.dispose();
    for (const { step, frozen } of heads.values()) {
      step.dispose();
      disposeHead(frozen);
    }
  }
}

interface OpenHead {
  readonly weights: HeadWeights;
  readonly frozen: FrozenHead;
  /** A graph of its own, so that a head's logits do not depend on the heads beside it. */
  readonly step: CompiledStep<{ readonly z: tf.Tensor2D }, { readonly logits: tf.Tensor2D }>;
}

function openHead(weights: HeadWeights): OpenHead {
  const frozen = freezeHead(weights);
  return { weights, frozen, step: compile(({ z }: { z: tf.Tensor2D }) => ({ logits: classify(frozen, z) })) };
}

/** One instance's noisy representations, shared by all heads. */
interface Draws {
  readonly datasetIndex: number;
  readonly label: number;
  /** [n₀, D]; null when the selection is shared. */
  readonly selection: tf.Tensor2D | null;
  /** [n, D] */
  readonly estimation: tf.Tensor2D;
  /** [D, n₀] and [D, n], each row ascending; null unless representations are certified. */
  readonly columns: { readonly selection: Float32Array | null; readonly estimation: Float32Array } | null;
}

async function drawInstance(
  job: CertifyJob,
  { transfer, noisy, context }: Pick<Certification, 'transfer' | 'context'> & { readonly noisy: NoisyExtractor },
  datasetIndex: number,
): Promise<Draws> {
  const { draws, selectionDraws, selection, methods } = job.config.certification;
  const { test } = transfer[job.domain];
  const index = Int32Array.of(datasetIndex);
  const image = tf.tidy(() => tf.squeeze<tf.Tensor3D>(imageTensor(test, index), [0]));
  const keys = drawKeys(job.config.seed, job.domain, datasetIndex);
  const draw = (key: (typeof keys)['selection'], count: number): Promise<tf.Tensor2D> =>
    noisyRepresentations(noisy, { image, count, key }, context);
  let selected: tf.Tensor2D | null = null;
  let estimation: tf.Tensor2D | null = null;
  try {
    if (selection === 'separate') selected = await draw(keys.selection, selectionDraws);
    estimation = await draw(keys.estimation, draws);
  } finally {
    image.dispose();
    if (estimation === null) selected?.dispose();
  }
  const columns = methods.includes('representation')
    ? {
        selection: selected === null ? null : await sortedColumns(selected),
        estimation: await sortedColumns(estimation),
      }
    : null;
  return { datasetIndex, label: test.labels(index)[0], selection: selected, estimation, columns };
}

async function certifyHead(
  job: CertifyJob,
  { weights, frozen, step }: OpenHead,
  draws: Draws & { readonly statistics: ChannelStatistics },
): Promise<CertificateRecord[]> {
  const { certification, seed, precision } = job.config;
  const logitsOf = (z: tf.Tensor2D): Promise<Float32Array> => takeValues(step.run({ z }).logits);
  const facts: DrawsEvidence = {
    seed,
    sigma: certification.sigma,
    alpha: certification.alpha,
    draws: certification.draws,
    selectionDraws: certification.selection === 'separate' ? certification.selectionDraws : 0,
    selection: certification.selection,
    precision,
  };
  const head: HeadDraws = {
    facts,
    weights,
    classes: frozen.classes,
    selectionLogits: draws.selection === null ? null : await logitsOf(draws.selection),
    estimationLogits: await logitsOf(draws.estimation),
    columns: draws.columns,
  };
  return certificatesOf(head, certification).map(({ verdict, ...certificate }) => ({
    ...certificate,
    datasetIndex: draws.datasetIndex,
    label: draws.label,
    verdict,
    radiusPixels: verdict.outcome === 'certified' ? radiusPixelsFrom(verdict.radiusNormalised, draws.statistics) : null,
  }));
}
