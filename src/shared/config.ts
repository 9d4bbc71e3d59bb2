import { z } from 'zod';

/**
 * The configuration of an experiment: plain data, validated once, strict about unknown keys, immutable afterwards.
 * Form, help and documentation are generated from this schema, so every key carries its description and unit.
 * Lengths in input space are L2, in normalised units (METHOD.md §2), unless the description says otherwise.
 */

const positive = z.number().positive();
const count = z.int().positive();
const probability = z.number().gt(0).lt(1);

export const DATASET_NAMES = ['fashion-mnist', 'mnist', 'kmnist', 'svhn', 'cifar10', 'stl10'] as const;
export const datasetNameSchema = z.enum(DATASET_NAMES);
export type DatasetName = z.infer<typeof datasetNameSchema>;

export const EXTRACTOR_PRESETS = ['wrn-10-1', 'wrn-10-2', 'wrn-16-4', 'wrn-28-10', 'wrn-32-10'] as const;
export const extractorPresetSchema = z.enum(EXTRACTOR_PRESETS);
export type ExtractorPreset = z.infer<typeof extractorPresetSchema>;

export const CONSTRAINTS = ['none', 'wn', 'wn-l1'] as const;
export const constraintSchema = z.enum(CONSTRAINTS);
export type Constraint = z.infer<typeof constraintSchema>;

export const headSpecSchema = z
  .strictObject({
    layers: z.union([z.literal(1), z.literal(4)]).describe('Fully connected layers, with GroupSort between them.'),
    constraint: constraintSchema.describe(
      'Bound kept on every layer after each update: none, wn (L2 norm of each row ≤ bound) or wn-l1 (L1 norm of each row ≤ bound).',
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
        'Training multiplies the logits by this; certificates do not depend on the scale. wn-l1 needs about 30.',
      ),
  })
  .describe('A classifier on the frozen representations.');
export type HeadSpec = z.infer<typeof headSpecSchema>;

export const PROCEDURES = ['normal', 'noise'] as const;
export const procedureSchema = z.enum(PROCEDURES);
export type Procedure = z.infer<typeof procedureSchema>;

export const trainingSchema = z
  .strictObject({
    procedure: procedureSchema.default('normal').describe('Training procedure (METHOD.md §2).'),
    epsilon: positive.default(0.1).describe('Radius of the training perturbation; used by "noise".'),
    learningRate: positive.default(1e-4).describe('Of Adam.'),
    batchSize: count.default(64),
    maxEpochs: count.default(100),
    validationEvery: count.default(2).describe('Epochs between two measurements of the validation loss.'),
    patience: count.default(10).describe('Epochs without a better validation loss before training stops.'),
  })
  .describe('Adam on cross-entropy with early stopping; the best weights are restored.');
export type TrainingSettings = z.infer<typeof trainingSchema>;

export const domainDataSchema = z.strictObject({
  dataset: datasetNameSchema,
  trainingInstances: count
    .optional()
    .describe('Balanced random subset of the training images; by default all that are present.'),
});

export const pgdSchema = z
  .strictObject({
    enabled: z.boolean().default(true),
    epsilon: positive.default(0.1).describe('L2 radius of the perturbation, normalised units.'),
    steps: count.default(50),
    relativeStep: positive.optional().describe('Step length as a share of epsilon; by default 2.5 / steps.'),
    randomStart: z.boolean().default(true).describe('Start inside the ball instead of at the clean input.'),
    restarts: count.default(1),
    instances: count.optional().describe('Attacked test instances a domain, balanced; by default all evaluated ones.'),
  })
  .describe('L2 projected gradient descent (METHOD.md §3).');
export type PgdSettings = z.infer<typeof pgdSchema>;

export const METHODS = ['label', 'representation', 'logit', 'pairwise'] as const;
export const methodSchema = z.enum(METHODS);
export type Method = z.infer<typeof methodSchema>;

export const RULES = ['paper', 'lipschitz', 'interval'] as const;
export const ruleSchema = z.enum(RULES);
export type Rule = z.infer<typeof ruleSchema>;

export const SELECTIONS = ['separate', 'shared'] as const;
export const selectionSchema = z.enum(SELECTIONS);
export type Selection = z.infer<typeof selectionSchema>;

export const LOGIT_TESTS = ['pairs', 'bonferroni'] as const;
export const logitTestSchema = z.enum(LOGIT_TESTS);
export type LogitTest = z.infer<typeof logitTestSchema>;

export const certificationSchema = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Without it nothing is smoothed and nothing certified.'),
    sigma: positive.default(0.1).describe('Standard deviation of the smoothing noise, normalised units.'),
    draws: count.default(500).describe('n: draws that estimate (METHOD.md §4).'),
    selectionDraws: count
      .default(100)
      .describe('n₀: separate draws that choose the class under test; unused by "shared".'),
    alpha: probability.default(1e-4).describe('Failure probability of each certificate, over its draws.'),
    selection: selectionSchema
      .default('separate')
      .describe('Whether the class under test is chosen on separate draws, or on the same ones at a corrected level.'),
    methods: z
      .array(methodSchema)
      .min(1)
      .default([...METHODS]),
    rules: z
      .array(ruleSchema)
      .min(1)
      .default([...RULES])
      .describe(
        'Tests for "the margin stays positive on the box" of representation certificates. "paper" is no proof under wn.',
      ),
    logitTest: logitTestSchema
      .default('pairs')
      .describe('Each pair of logits at α/2 + α/2 (intersection–union), or all K logits at α/(2K).'),
  })
  .describe('Smoothing certificates (METHOD.md §4).');
export type CertificationSettings = z.infer<typeof certificationSchema>;

export const PRECISIONS = ['float32', 'bfloat16', 'float16'] as const;
export const precisionSchema = z.enum(PRECISIONS);
export type Precision = z.infer<typeof precisionSchema>;

export const experimentConfigSchema = z.strictObject({
  name: z.string().min(1).max(200).describe('Shown in lists; has no influence on any result.'),
  seed: z.int().min(0).max(0xffffffff).default(0).describe('Every random choice of the run derives from it.'),
  source: domainDataSchema.describe('Domain the extractor is trained on.'),
  target: domainDataSchema
    .extend({
      size: z
        .enum(['source', 'native'])
        .default('source')
        .describe("Resize target images to the source's height and width (area average), or keep their own."),
    })
    .describe('Domain the heads are retrained on.'),
  extractor: z.strictObject({
    preset: extractorPresetSchema.describe('WideResNet-depth-width (METHOD.md §1).'),
    head: headSpecSchema
      .default({ layers: 1, constraint: 'none', bound: 1, groupSize: 2, temperature: 1 })
      .describe('Head that the extractor is trained under, on the source.'),
  }),
  training: z.strictObject({
    source: trainingSchema.prefault({}).describe('Extractor and its head, on the source.'),
    heads: trainingSchema.prefault({}).describe('Heads on the frozen extractor, on either domain.'),
  }),
  heads: z
    .array(headSpecSchema)
    .min(1)
    .describe('All are trained and certified from the same passes of the extractor.'),
  instances: count.default(1000).describe('Evaluated test instances a domain: a balanced random subset.'),
  precision: precisionSchema
    .default('float32')
    .describe(
      "What the extractor's convolutions compute in wherever heads are evaluated: accuracy, attacks and certificates " +
        'are all of that model. Training and heads stay float32. Other than float32 needs the tensorflow backend.',
    ),
  pgd: pgdSchema.prefault({}),
  certification: certificationSchema.prefault({}),
});
export type ExperimentConfig = z.infer<typeof experimentConfigSchema>;
export type ExperimentConfigInput = z.input<typeof experimentConfigSchema>;

export const DOMAINS = ['source', 'target'] as const;
export type Domain = (typeof DOMAINS)[number];
