import { z } from 'zod';
import { domainDataSchema, experimentConfigSchema, headSpecSchema, procedureSchema, type Procedure } from './config.ts';

/**
 * A study: a grid of experiments, transfers × procedures × seeds (× heads where each head has an extractor of its own),
 * as plain data. Each place of the grid becomes an experiment config and is validated as one.
 */

const partial = (what: string) => z.record(z.string(), z.unknown()).describe(what);

const procedureEntrySchema = z
  .strictObject({
    procedure: procedureSchema.describe('Trains extractor and heads alike (METHOD.md §2).'),
    label: z
      .string()
      .min(1)
      .max(60)
      .optional()
      .describe('What tables call it; needed where a procedure is in the grid with several settings.'),
    source: partial("Changes to the base's training.source.").default({}),
    heads: partial("Changes to the base's training.heads.").default({}),
  })
  .describe('A training procedure with its settings.');

/** A bare name stands for the procedure with the base's settings. */
export const studyProcedureSchema = z.preprocess(
  (value) => (typeof value === 'string' ? { procedure: value } : value),
  procedureEntrySchema,
);
export interface StudyProcedure {
  readonly procedure: Procedure;
  readonly label?: string | undefined;
  readonly source: Readonly<Record<string, unknown>>;
  readonly heads: Readonly<Record<string, unknown>>;
}

export const studySchema = z.strictObject({
  name: z.string().min(1).max(200).describe('Shown in lists; has no influence on any result.'),
  scale: z
    .string()
    .min(1)
    .max(300)
    .describe('What the study is the size of, in a sentence that stands over its tables.'),
  base: partial(
    'What all experiments share: a config without name, seed, heads, the two data sets and the procedures, which the grid gives.',
  ),
  transfers: z
    .array(
      z.strictObject({
        source: domainDataSchema,
        target: domainDataSchema.extend({
          size: experimentConfigSchema.shape.target.shape.size.unwrap().optional(),
        }),
      }),
    )
    .min(1),
  procedures: z.array(studyProcedureSchema).min(1),
  heads: z.array(headSpecSchema).min(1),
  seeds: z.array(experimentConfigSchema.shape.seed).min(1),
  sigmas: z
    .array(z.number().positive())
    .min(1)
    .optional()
    .describe("Smoothing noises, certification.sigma of a run each; by default the base's alone."),
  radiusTable: z
    .boolean()
    .optional()
    .describe('Also a table of certified accuracy at multiples of σ, with a row a method.'),
  extractors: z
    .enum(['shared', 'own'])
    .default('shared')
    .describe(
      "shared: one extractor a procedure, trained under the base's extractor.head, serves all heads. " +
        'own: one is trained under each head, as in the paper.',
    ),
});
export type Study = z.infer<typeof studySchema>;
