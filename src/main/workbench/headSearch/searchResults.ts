import { domainsOfHeads, type Domain, type ExperimentConfig, type HeadSpec } from '../../../shared/config.ts';
import type { HeadScore } from '../../../shared/results.ts';
import type { Store } from '../../store/store.ts';
import { BadInput } from '../errors.ts';
import { headLabel, headScoreKey } from '../stageKeys.ts';
import { headsOf, stageOf, storedRun } from '../storedRun.ts';
import { headScores } from './headScores.ts';

/** A head of the grid with what validation images say of it. */
export interface SearchedHead {
  readonly domain: Domain;
  readonly head: string;
  readonly spec: HeadSpec;
  /** Epochs trained. */
  readonly epochs: number;
  /** Null where the run has not come so far. */
  readonly score: HeadScore | null;
}

export interface HeadSearchResults {
  readonly run: number;
  readonly config: ExperimentConfig;
  /** Of each domain the furthest certified first, those without a score last. */
  readonly heads: readonly SearchedHead[];
}

/** The grid of a run with a head search. @throws BadInput for a run without one; StoreError 'not-found' */
export function searchResults(store: Store, id: number): HeadSearchResults {
  const run = storedRun(store, id);
  if (run.config.headSearch === undefined) throw new BadInput(`run ${id} has no head search`);
  const heads = headsOf(run).map((of): SearchedHead => {
    const stage = stageOf(run, 'head', of)!;
    return {
      ...of,
      spec: run.config.heads.find((spec) => headLabel(spec) === of.head)!,
      epochs: store.stages.epochs(stage.id).length,
      score: headScores(stage).get(headScoreKey(run.config, stage)) ?? null,
    };
  });
  const radius = ({ score }: SearchedHead): number => score?.meanRadiusNormalised ?? -1;
  return { run: id, config: run.config, heads: heads.sort((a, b) => radius(b) - radius(a)) };
}

/**
 * The head that certifies furthest on validation images: of the target, or of the source where no heads are on the target. Null where
 * none is scored.
 */
export function chosenHead({ config, heads }: Pick<HeadSearchResults, 'config' | 'heads'>): SearchedHead | null {
  const domain = domainsOfHeads(config).at(-1);
  return heads.find((one) => one.domain === domain && one.score !== null) ?? null;
}
