import type { headsCalls } from '../../../shared/api/heads.ts';
import { weightOf } from '../../engine/training/effectiveDrawBank.ts';
import { problemsThrown } from '../experiments/checkExperiment.ts';
import { chosenConfig } from '../headSearch/chosenConfig.ts';
import { planSearch } from '../headSearch/planSearch.ts';
import { chosenHead, searchResults } from '../headSearch/searchResults.ts';
import { storedRun } from '../storedRun.ts';
import type { ApiContext, Handlers } from './handlers.ts';

export const headsHandlers = ({ store }: ApiContext): Handlers<typeof headsCalls> => ({
  'heads.results': ({ run }) => {
    const results = searchResults(store, run);
    const chosen = chosenHead(results);
    return {
      heads: results.heads.map((one) => ({
        ...one,
        weight: one.spec.drawBank === undefined ? null : weightOf(one.spec.drawBank),
        isChosen: one === chosen,
      })),
    };
  },
  'heads.plan': ({ run, options }) => {
    const { config } = storedRun(store, run);
    try {
      return { problems: [], config: planSearch({ run, config }, options) };
    } catch (error) {
      return { problems: problemsThrown(error), config: null };
    }
  },
  'heads.chosenConfig': ({ run }) => ({ config: chosenConfig(searchResults(store, run)) }),
});
