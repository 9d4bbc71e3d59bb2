import type { ExperimentConfig } from '../../../shared/config.ts';
import { headSearchOptionsSchema } from '../../../shared/headSearchOptions.ts';
import { checkConfig, contradictions } from '../checkConfig.ts';
import { BadInput } from '../errors.ts';
import { invalid, problemsOf } from '../loadConfig.ts';
import { searchConfig } from './headGrid.ts';

/**
 * The run that searches heads on a run's extractor.
 * @param options headSearchOptionsSchema
 * @throws BadInput with a line for each problem: option, what is allowed, what was got; DataError as checkConfig
 */
export function planSearch(
  { run, config }: { readonly run: number; readonly config: ExperimentConfig },
  options: unknown,
): ExperimentConfig {
  const parsed = headSearchOptionsSchema.safeParse(options);
  if (!parsed.success) throw refusal(problemsOf(parsed.error, headSearchOptionsSchema, options));
  const searching = searchConfig(config, { name: `head search on run ${run}`, ...parsed.data });
  const problems = new Set(contradictions(searching).map(ofOptions));
  if (problems.size > 0) throw refusal([...problems]);
  checkConfig(searching);
  return searching;
}

const refusal = (problems: readonly string[]): BadInput =>
  new BadInput(invalid('the head search is not valid', problems));

/** All heads have the grid's bank, so that what is wrong with one's is wrong with the grid's. */
const ofOptions = (problem: string): string =>
  problem.replace(/^heads\.\d+\.drawBank\./, 'grid.').replace(/^headSearch\./, 'search.');
