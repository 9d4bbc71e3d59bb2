import { z } from 'zod';

/** What a head is and how it is trained beside the procedure: the part of a config (config.ts) that heads of studies and searches share. */

const positive = z.number().positive();
const count = z.int().positive();

export const CONSTRAINTS = ['none', 'wn', 'wn-l1', 'spectral', 'bjorck'] as const;
export const constraintSchema = z.enum(CONSTRAINTS);
export type Constraint = z.infer<typeof constraintSchema>;

export const boxTrainingSchema = z
  .strictObject({
    weight: z
      .number()
      .gt(0)
      .max(1)
      .default(0.5)
      .describe('Share of the loss that is the cross-entropy of the worst logits over the boxes, after the ramp.'),
    radius: z
      .number()
      .min(0)
      .default(0)
      .describe('The boxes are the smallest whose certificates reach this radius, in units of certification.sigma.'),
    rampEpochs: z
      .int()
      .min(0)
      .default(30)
      .describe('Epochs over which half-widths and weight grow linearly from zero; none of them counts as the best.'),
    instances: count.default(32).describe('Training images whose noisy draws give the mean half-width of the boxes.'),
  })
  .describe('Trains a head on boxes as wide as its smoothing certificates will have (METHOD.md §1).');
export type BoxTraining = z.infer<typeof boxTrainingSchema>;

export const OBJECTIVES = ['cross-entropy', 'consistency', 'macer'] as const;
export const objectiveSchema = z.enum(OBJECTIVES);
export type Objective = z.infer<typeof objectiveSchema>;

export const drawBankSchema = z
  .strictObject({
    draws: count.default(16).describe('m: noisy draws of every training image, whose representations are kept.'),
    drawsPerStep: count
      .optional()
      .describe('Draws of an image that a training step takes, at most m; by default 2, under "macer" all m.'),
    sigma: positive
      .optional()
      .describe('Standard deviation of the draws, normalised units; by default certification.sigma.'),
    objective: objectiveSchema
      .default('consistency')
      .describe(
        'What a step minimises: cross-entropy of the draws; that with the consistency of predictions over them (Jeong & Shin 2020); ' +
          'or that of their mean prediction with a hinge on the certified radius (MACER, Zhai 2020).',
      ),
    weight: z
      .number()
      .min(0)
      .optional()
      .describe('λ: weight of the consistency term, by default 10, or of the hinge of "macer", by default 12.'),
    gamma: positive.default(8).describe('γ of "macer": the hinge on the certified radius, in units of σ/2.'),
    beta: positive.default(16).describe('β of "macer": the hinge reads the logits times this.'),
    precision: z
      .enum(['float32', 'float16'])
      .default('float32')
      .describe('What kept representations are rounded to: float16 takes half the memory and half the disk.'),
  })
  .describe(
    'Trains a head on noisy draws of every image that went through the extractor once (METHOD.md §2), in place of the procedure of training.heads.',
  );
export type DrawBank = z.infer<typeof drawBankSchema>;

export const headSpecSchema = z
  .strictObject({
    layers: z
      .union([z.literal(1), z.literal(4)], { error: 'expected 1 or 4' })
      .describe('Fully connected layers, with GroupSort between them.'),
    constraint: constraintSchema.describe(
      'Bound kept on every layer after each update: none, wn (L2 norm of each row ≤ bound), wn-l1 (L1 norm of each row ≤ bound), ' +
        'spectral (largest singular value = bound) or bjorck (all singular values = bound: orthonormal rows or columns times bound).',
    ),
    bound: positive.default(1).describe('k of the constraint; ignored by "none".'),
    hiddenWidth: count
      .optional()
      .describe('Units of each hidden layer; by default 256 for D ≥ 256, else D rounded up to even (METHOD.md §1).'),
    groupSize: z
      .int()
      .min(2)
      .default(2)
      .describe('GroupSort sorts contiguous groups of this many units; must divide hiddenWidth.'),
    temperature: positive
      .default(1)
      .describe(
        'Training multiplies the logits by this; certificates do not depend on the scale. wn-l1 and spectral need about 30, bjorck 10.',
      ),
    boxTraining: boxTrainingSchema
      .optional()
      .describe('Makes deep heads provable by the rules "interval" and "linear"; by default none.'),
    drawBank: drawBankSchema
      .optional()
      .describe('Trains this head for its certificate, in seconds, on kept noisy draws; by default none.'),
  })
  .describe('A classifier on the frozen representations.');
export type HeadSpec = z.infer<typeof headSpecSchema>;
