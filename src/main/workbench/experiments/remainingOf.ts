import type { z } from 'zod';
import type { queueCalls } from '../../../shared/api/queue.ts';
import type { Store } from '../../store/store.ts';
import { DataAtHand } from '../studies/dataAtHand.ts';
import { forecast, storedPaces } from '../studies/forecast.ts';
import { piecesToDo } from '../studies/planStudy.ts';
import { dataKeys, planStages } from '../stageKeys.ts';
import { storedRun } from '../storedRun.ts';

/**
 * How long the stages of a run will take that have not begun, from what earlier runs took.
 * @throws StoreError 'not-found'; DataError where data files are damaged
 */
export function remainingOf(store: Store, id: number): z.infer<(typeof queueCalls)['queue.remaining']['output']> {
  const { config, stages } = storedRun(store, id);
  const data = new DataAtHand();
  const begun = new Set(stages.filter(({ status }) => status !== 'pending').map(({ key }) => key));
  const own = planStages(config, dataKeys(config, data.describe(config))).filter(({ key }) => !begun.has(key));
  const { seconds, kinds } = forecast(piecesToDo({ config }, { own, data }), storedPaces(store, data));
  return { seconds, isEstimate: kinds.some(({ isEstimate }) => isEstimate) };
}
