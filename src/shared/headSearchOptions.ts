import { z } from 'zod';
import { constraintSchema, drawBankSchema, headSearchSchema, headSpecSchema } from './config.ts';

/** What a search of heads on a run's extractor may be told; every key has a default. */

/** Keeps a grid whose sides are all full within what a run can hold. */
const MOST_VALUES = 20;

const side = <T extends z.ZodType<string | number>>(value: T) =>
  z
    .array(value)
    .min(1, { error: 'expected at least one' })
    .max(MOST_VALUES, { error: `expected at most ${MOST_VALUES}` })
    .refine((values) => new Set<unknown>(values).size === values.length, { error: 'expected each once' });

const { layers, temperature } = headSpecSchema.shape;
const { draws, objective, weight } = drawBankSchema.shape;

export const headGridSchema = z
  .strictObject({
    layers: side(layers).default([1, 4]).describe('Depths: fully connected layers, with GroupSort between them.'),
    constraints: side(constraintSchema)
      .default(['none', 'wn', 'wn-l1'])
      .describe('Bounds kept on every layer after each update.'),
    weights: side(weight.unwrap())
      .default([1, 5, 20, 50])
      .describe('λ: weights of the term beside the cross-entropy; without a term all are one head.'),
    temperatures: side(temperature.unwrap()).default([1, 30]).describe('What training multiplies the logits by.'),
    objective,
    draws,
  })
  .describe('Heads of a search: every combination is one.');
/** m of `draws` is that of the bank that all heads share. */
export type HeadGrid = Readonly<z.infer<typeof headGridSchema>>;

export const headSearchOptionsSchema = z.strictObject({
  grid: headGridSchema.prefault({}),
  search: headSearchSchema.prefault({}),
});
export type HeadSearchOptions = z.infer<typeof headSearchOptionsSchema>;
export type HeadSearchOptionsInput = z.input<typeof headSearchOptionsSchema>;
