import type { StageRecord } from '../../store/tables/stage.ts';

/**
 * Fingerprint of the files that a training stage learned from, out of what its key is the hash of; null for other stages and
 * for the extractor's own head.
 */
export function fingerprintOf({ inputs }: Pick<StageRecord, 'inputs'>): string | null {
  if (typeof inputs !== 'object' || inputs === null || !('data' in inputs) || typeof inputs.data !== 'string')
    return null;
  const data = JSON.parse(inputs.data) as {
    readonly fingerprint?: string;
    readonly target?: { readonly fingerprint: string };
  };
  return data.target?.fingerprint ?? data.fingerprint ?? null;
}
