import type { z } from 'zod';
import type { runsCalls } from '../../../shared/api/runs.ts';
import type { Store } from '../../store/store.ts';

/**
 * Deletes runs with what no other run shares, or counts what that would be.
 * @throws StoreError 'not-found', 'conflict' for a run that is worked on
 */
export function deleteRuns(
  store: Store,
  runs: readonly number[],
  { isTrial }: { readonly isTrial: boolean },
): z.infer<(typeof runsCalls)['runs.delete']['output']> {
  const { stages, ...counts } = isTrial ? store.runList.deletionOf(runs) : store.runList.delete(runs);
  if (!isTrial) store.artefacts.collectGarbage();
  return { ...counts, stages: stages.length };
}
