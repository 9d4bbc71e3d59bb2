import { z } from 'zod';
import { methodSchema, type ExperimentConfig } from '../config.ts';
import type { Forecast, MissingData, ReducedData } from '../studyReport.ts';
import { call, nothing, recordOf, recordsOf, runId, type Calls } from './call.ts';

const config = z.unknown();

export const experimentsCalls = {
  'experiments.presets': call(
    nothing,
    z.array(z.object({ preset: z.string(), name: z.string(), config: z.unknown() })),
  ),
  /** The config of a run, to be changed. */
  'experiments.fromRun': call(z.strictObject({ run: runId }), z.object({ config: recordOf<ExperimentConfig>() })),
  /** What is wrong with a config, by its key ("" where it is none of one key), and the config with its defaults where nothing is. */
  'experiments.check': call(
    z.strictObject({ config }),
    z.object({
      problems: z.array(z.object({ path: z.string(), message: z.string() })),
      config: recordOf<ExperimentConfig>().nullable(),
    }),
  ),
  /** What running it would take. Refuses a config that is not valid. */
  'experiments.forecast': call(
    z.strictObject({ config }),
    z.object({
      /** At most: early stopping may spare epochs. */
      forecast: recordOf<Forecast>(),
      stages: z.int(),
      /** Finished already, by runs before. */
      storedStages: z.int(),
      /** How earlier forecasts, each from the runs before it alone, compare with the time that was taken; null without enough runs. */
      pastError: z
        .object({ runs: z.int(), medianRatio: z.number(), leastRatio: z.number(), greatestRatio: z.number() })
        .nullable(),
      /** Bytes that engines of runs with this extractor and image size took at most; null where none has told. */
      memory: z.object({ bytes: z.number(), runs: z.int() }).nullable(),
      missing: recordsOf<MissingData>(),
      reduced: recordsOf<ReducedData>(),
      /** The largest radius, normalised units, that n and α allow each method, whatever the model is; null without certificates. */
      ceilings: z.partialRecord(methodSchema, z.number()).nullable(),
      /** What may be worth a change before it runs, a sentence each. */
      warnings: z.array(z.string()),
    }),
  ),
} as const satisfies Calls;
