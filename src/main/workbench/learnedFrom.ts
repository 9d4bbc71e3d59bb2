import type { Domain } from '../../shared/config.ts';
import type { StageRecord } from '../store/tables/stage.ts';

/** The data that a stage learned from, out of what its key is the hash of (dataKeys). */
export interface LearnedFrom {
  readonly fingerprint: string;
  /** Of a folder of images. */
  readonly folder?: {
    /** [K] */
    readonly classNames: readonly string[];
    /** Before a subset is taken. */
    readonly trainingImages: number;
  };
}

/** Null for stages that do not train, and for the extractor's own head. */
export function learnedFrom({ inputs }: Pick<StageRecord, 'inputs'>): LearnedFrom | null {
  if (typeof inputs !== 'object' || inputs === null || !('data' in inputs) || typeof inputs.data !== 'string')
    return null;
  const data = JSON.parse(inputs.data) as Partial<LearnedFrom> & { readonly target?: LearnedFrom };
  if (data.target !== undefined) return data.target;
  return data.fingerprint === undefined ? null : { ...data, fingerprint: data.fingerprint };
}

/** The data that a run learned from in a domain; null where it has not come so far. */
export function dataOfRun({ stages }: { readonly stages: readonly StageRecord[] }, domain: Domain): LearnedFrom | null {
  const kind = domain === 'source' ? 'extractor' : 'head';
  const stage = stages.find((one) => one.kind === kind && (kind === 'extractor' || one.domain === domain));
  return stage === undefined ? null : learnedFrom(stage);
}
