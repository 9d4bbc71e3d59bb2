import type { Domain, NoiseKind, Precision } from './config.ts';
import type {
  AdversarialSearchRecord,
  CertificateRecord,
  NoiseAttackRecord,
  PgdRecord,
  PredictionRecord,
} from './results.ts';

/** What a verdict turned on: the quantity that was compared, and with what. */
export type Grounds =
  | { readonly method: 'label'; readonly votes: number; readonly draws: number; readonly probabilityLower: number }
  | {
      readonly method: 'pairwise';
      /** The rival that wins most duels. */
      readonly rival: number;
      readonly wins: number;
      readonly draws: number;
      readonly probabilityLower: number;
    }
  | {
      readonly method: 'logit';
      readonly k: number;
      /** Proved lower bound of the class's median logit, and the largest upper bound among the rivals. */
      readonly lower: number;
      readonly rival: number;
      readonly rivalUpper: number;
    }
  | {
      readonly method: 'representation';
      readonly k: number;
      /** The rival with the smallest margin bound. */
      readonly rival: number;
      readonly marginLower: number;
    };

export interface ExplainedCertificate extends CertificateRecord {
  readonly grounds: Grounds;
}

/** One head's results on one test instance. */
export interface InstanceOfHead {
  readonly head: string;
  /** Null where the stage has not come to this instance. */
  readonly prediction: PredictionRecord | null;
  readonly noiseAttack: NoiseAttackRecord | null;
  readonly pgd: PgdRecord | null;
  /** Null for heads of several layers too. */
  readonly search: AdversarialSearchRecord | null;
  readonly certificates: readonly ExplainedCertificate[];
}

export interface InstanceReport {
  readonly run: number;
  readonly domain: Domain;
  readonly dataset: string;
  /** Position in the test part of the data set. */
  readonly datasetIndex: number;
  readonly label: number;
  /** [K] */
  readonly classNames: readonly string[];
  /** Of the extractor in all that follows. */
  readonly precision: Precision;
  /** How the noise of the certificates was drawn and added. */
  readonly noise: NoiseKind;
  readonly heads: readonly InstanceOfHead[];
}
