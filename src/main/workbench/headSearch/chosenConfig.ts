import type { ExperimentConfig } from '../../../shared/config.ts';
import { BadInput } from '../errors.ts';
import { chosenHead, type HeadSearchResults } from './searchResults.ts';

/** The experiment of a search with the chosen head alone, certified on test instances; it finds the head trained. @throws BadInput where none is scored */
export function chosenConfig(results: HeadSearchResults): ExperimentConfig {
  const chosen = chosenHead(results);
  if (chosen === null) throw new BadInput(`head search: no head is scored yet; go on with: ptw resume ${results.run}`);
  const { headSearch: _search, headsOn: _headsOn, ...rest } = results.config;
  return {
    ...rest,
    name: `${chosen.head}, chosen`,
    heads: [chosen.spec],
    certification: { ...rest.certification, enabled: true },
  };
}
