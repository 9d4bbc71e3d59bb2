import type { DatasetChoice, Domain, ExperimentConfig, HeadSpec } from '../../../shared/config.ts';
import type {
  AdversarialSearchRecord,
  CertificateRecord,
  HeadScore,
  HeadWeights,
  NoiseAttackRecord,
  PgdRecord,
  PredictionRecord,
} from '../../../shared/results.ts';
import type { DatasetOrigin } from '../../data/catalogue.ts';
import type { OpenBackend } from '../backends/openBackend.ts';
import type { NamedArrays } from '../models/arrays.ts';
import type { Checkpoint } from '../training/checkpoint.ts';
import type { EpochReport } from '../training/trainExtractor.ts';

/** What the two domains are read from; the engine reads the files itself. */
export interface TransferSpec {
  readonly source: { readonly dataset: DatasetChoice; readonly trainingInstances: number | null };
  readonly target: {
    readonly dataset: DatasetChoice;
    readonly trainingInstances: number | null;
    readonly size: 'source' | 'native';
  };
  readonly seed: number;
}

/** One head's part of a job, under the name that its answers carry. */
export interface NamedHead {
  readonly id: string;
  readonly weights: HeadWeights;
}

/** One head's certificates of an instance. */
export interface CertifiedHead {
  readonly head: string;
  readonly records: readonly CertificateRecord[];
}

/** What attacks test instances, each as many as it is told; those of one number are the same instances. */
export const ATTACKS = ['noiseAttack', 'pgd', 'adversarialSearch'] as const;
export type AttackName = (typeof ATTACKS)[number];

interface OnExtractor {
  readonly transfer: TransferSpec;
  readonly config: ExperimentConfig;
  readonly extractor: NamedArrays;
  readonly domain: Domain;
}

/** One pass of the extractor serves all heads. */
interface OnLackingHeads extends OnExtractor {
  readonly heads: readonly NamedHead[];
  /** Which heads each instance still lacks. */
  readonly instances: readonly { readonly datasetIndex: number; readonly heads: readonly string[] }[];
}

export type Job =
  | {
      readonly kind: 'describe';
      readonly transfer: TransferSpec;
      /** Evaluated test instances a domain. */
      readonly instances: number;
      /** Attacked test instances a domain. */
      readonly attacked: Readonly<Record<AttackName, number>>;
    }
  | {
      readonly kind: 'train-extractor';
      readonly transfer: TransferSpec;
      readonly config: ExperimentConfig;
      readonly checkpoint: Checkpoint | null;
    }
  | (OnExtractor & {
      readonly kind: 'train-heads';
      readonly heads: readonly {
        readonly id: string;
        readonly spec: HeadSpec;
        readonly checkpoint: Checkpoint | null;
      }[];
    })
  | (OnExtractor & { readonly kind: 'predict'; readonly heads: readonly NamedHead[]; readonly indices: Int32Array })
  | (OnLackingHeads & { readonly kind: 'noise-attack' })
  | (OnExtractor & { readonly kind: 'pgd'; readonly head: NamedHead; readonly indices: Int32Array })
  | (OnExtractor & { readonly kind: 'adversarial-search'; readonly head: NamedHead; readonly indices: Int32Array })
  | (OnLackingHeads & { readonly kind: 'certify' })
  /** Certified radii of validation images, by which one of the heads is chosen. */
  | (OnExtractor & { readonly kind: 'score-heads'; readonly heads: readonly NamedHead[] })
  /** The estimation draws of instances as they were certified with, in the representation. */
  | (OnExtractor & { readonly kind: 'draw'; readonly indices: Int32Array });

/** Facts of the data that the host needs: which test instances are evaluated, and what the files were. */
export interface TransferDescription {
  readonly domains: Readonly<
    Record<
      Domain,
      {
        readonly fingerprint: string;
        readonly origin: DatasetOrigin;
        readonly classNames: readonly string[];
        /** Training images of the set, before a subset is taken. */
        readonly trainingImages: number;
        readonly training: number;
        readonly validation: number;
        readonly instances: Int32Array;
        /** Those of them that each attack is made on. */
        readonly attacked: Readonly<Record<AttackName, Int32Array>>;
      }
    >
  >;
}

export type JobEvent =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  /** A sentence for the user. */
  | { readonly kind: 'notice'; readonly text: string }
  | { readonly kind: 'description'; readonly description: TransferDescription }
  | {
      readonly kind: 'epoch';
      readonly head: string | null;
      readonly report: EpochReport;
      readonly checkpoint: Checkpoint;
    }
  | { readonly kind: 'extractor'; readonly extractor: NamedArrays; readonly head: HeadWeights }
  | { readonly kind: 'head'; readonly head: string; readonly weights: HeadWeights }
  | { readonly kind: 'head-score'; readonly head: string; readonly score: HeadScore }
  /** [D, draws], each row ascending. */
  | {
      readonly kind: 'columns';
      readonly datasetIndex: number;
      readonly draws: number;
      readonly columns: Float32Array;
    }
  | { readonly kind: 'predictions'; readonly head: string; readonly records: readonly PredictionRecord[] }
  | { readonly kind: 'noise-attack'; readonly head: string; readonly records: readonly NoiseAttackRecord[] }
  | { readonly kind: 'pgd'; readonly head: string; readonly records: readonly PgdRecord[] }
  | { readonly kind: 'adversarial-search'; readonly head: string; readonly records: readonly AdversarialSearchRecord[] }
  /** Of one instance, under all heads that it lacked. */
  | { readonly kind: 'certificates'; readonly datasetIndex: number; readonly certified: readonly CertifiedHead[] };

export interface SerialisedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
}

/** Host to engine. */
export type Request =
  | {
      readonly kind: 'start';
      readonly id: number;
      readonly job: Job;
      /** How often passes are halved from the start. */
      readonly halvings: number;
    }
  | { readonly kind: 'cancel'; readonly id: number };

/** Engine to host; every started job is answered by exactly one of done, cancelled and failed. */
export type Response =
  | { readonly kind: 'ready'; readonly backend: OpenBackend }
  | { readonly kind: 'unusable'; readonly error: SerialisedError }
  /** Said again and again, whenever the engine's thread is free to. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'event'; readonly id: number; readonly event: JobEvent }
  | { readonly kind: 'done' | 'cancelled'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly error: SerialisedError };
