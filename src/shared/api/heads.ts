import { z } from 'zod';
import { DOMAINS, type ExperimentConfig, type HeadSpec } from '../config.ts';
import type { HeadScore } from '../results.ts';
import { call, recordOf, runId, type Calls } from './call.ts';

const run = z.strictObject({ run: runId });

/** A head of a search with what validation images say of it. */
const searchedHeadSchema = z.object({
  domain: z.enum(DOMAINS),
  head: z.string(),
  spec: recordOf<HeadSpec>(),
  /** λ of its objective, its default filled in; null where it has none. */
  weight: z.number().nullable(),
  /** Trained. */
  epochs: z.int(),
  /** Null where the run has not come so far. */
  score: recordOf<HeadScore>().nullable(),
  isChosen: z.boolean(),
});
export type SearchedHeadView = z.infer<typeof searchedHeadSchema>;

export const headsCalls = {
  /** The heads of a run with a head search: of each domain the furthest certified first, those without a score last. Refuses a run without one. */
  'heads.results': call(run, z.object({ heads: z.array(searchedHeadSchema) })),
  /** The run that searches heads on a run's extractor (headSearchOptionsSchema): what is wrong with its options, and where nothing is, its config. */
  'heads.plan': call(
    run.extend({ options: z.unknown() }),
    z.object({
      problems: z.array(z.object({ path: z.string(), message: z.string() })),
      config: recordOf<ExperimentConfig>().nullable(),
    }),
  ),
  /** The experiment of a search with the chosen head alone. Refuses a search that has scored none yet. */
  'heads.chosenConfig': call(run, z.object({ config: recordOf<ExperimentConfig>() })),
} as const satisfies Calls;
