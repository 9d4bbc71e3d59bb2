import { radiusPixelsFrom, type ChannelStatistics } from '../../data/normalisation.ts';
import type { ExperimentConfig } from '../../../shared/config.ts';
import type { CertificateRecord, DrawsEvidence } from '../../../shared/results.ts';
import type { CertifiedHead, NamedHead } from '../process/protocol.ts';
import { certificatesOf, type HeadDraws } from './certificatesOf.ts';
import { sortColumns } from './columns.ts';

/** What all instances of a job are certified by; no tensors, so that it can go to another thread. */
export interface CertificationPlan {
  readonly heads: readonly NamedHead[];
  readonly config: Pick<ExperimentConfig, 'seed' | 'precision' | 'certification'>;
  readonly statistics: ChannelStatistics;
}

/** Draws of one instance on the host. */
export interface Sample {
  /** n */
  readonly draws: number;
  /** By head, [n, K]. */
  readonly logits: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  /** [D, n] in the order in which they were drawn, and each row ascending once certified; null unless representations are. */
  readonly columns: Float32Array<ArrayBuffer> | null;
}

export interface Samples {
  /** Null when the selection is shared. */
  readonly selection: Sample | null;
  readonly estimation: Sample;
}

export interface DrawnInstance {
  readonly datasetIndex: number;
  readonly label: number;
  /** Values of the image: H·W·C. */
  readonly inputs: number;
  /** Those it is certified under. */
  readonly heads: readonly string[];
  readonly samples: Samples;
}

/** Every head's certificates from an instance's draws (METHOD.md §4). The columns are sorted in place. */
export function certifyDrawn(plan: CertificationPlan, instance: DrawnInstance): CertifiedHead[] {
  for (const sample of [instance.samples.selection, instance.samples.estimation]) {
    if (sample !== null && sample.columns !== null) sortColumns(sample.columns, sample.draws);
  }
  return instance.heads.map((id) => {
    const head = plan.heads.find((candidate) => candidate.id === id);
    if (head === undefined) throw new Error(`internal: certify: the job has no head "${id}"`);
    return { head: id, records: certifyHead(plan, head, instance) };
  });
}

function certifyHead(
  { config: { certification, seed, precision }, statistics }: CertificationPlan,
  { id, weights }: NamedHead,
  { datasetIndex, label, inputs, samples: { selection, estimation } }: DrawnInstance,
): CertificateRecord[] {
  const facts: DrawsEvidence = {
    seed,
    sigma: certification.sigma,
    alpha: certification.alpha,
    draws: certification.draws,
    selectionDraws: selection?.draws ?? 0,
    selection: certification.selection,
    precision,
    noise: certification.noise,
    inputs: certification.noise === 'lattice' ? inputs : 0,
  };
  const draws: HeadDraws = {
    facts,
    weights,
    classes: weights.layers.at(-1)!.outputs,
    selectionLogits: selection?.logits.get(id) ?? null,
    estimationLogits: estimation.logits.get(id)!,
    columns:
      estimation.columns === null ? null : { selection: selection?.columns ?? null, estimation: estimation.columns },
  };
  return certificatesOf(draws, certification).map(({ verdict, ...certificate }) => ({
    ...certificate,
    datasetIndex,
    label,
    verdict,
    radiusPixels: verdict.outcome === 'certified' ? radiusPixelsFrom(verdict.radiusNormalised, statistics) : null,
  }));
}
