import { z } from 'zod';
import { headSpecSchema } from './headSpec.ts';

export * from './headSpec.ts';

/**
 * The configuration of an experiment: plain data, validated once, strict about unknown keys, immutable afterwards.
 * Form, help and documentation are generated from this schema, so every key carries its description and unit.
 * Lengths in input space are L2, in normalised units (METHOD.md §2), unless the description says otherwise.
 */

const positive = z.number().positive();
const count = z.int().positive();
const probability = z.number().gt(0).lt(1);

export const DOMAINS = ['source', 'target'] as const;
export const domainSchema = z.enum(DOMAINS);
export type Domain = z.infer<typeof domainSchema>;

export const DATASET_NAMES = ['fashion-mnist', 'mnist', 'kmnist', 'svhn', 'cifar10', 'stl10'] as const;
export const datasetNameSchema = z.enum(DATASET_NAMES);
export type DatasetName = z.infer<typeof datasetNameSchema>;

const side = z.int().min(4).max(4096);
export const imageFolderSchema = z
  .strictObject({
    folder: z
      .string()
      .min(1)
      .describe(
        'Folder with <split>/<class>/*.png|jpg|jpeg, splits train and test. In a file, relative to the folder of that file; ' +
          'in --set, to the working directory.',
      ),
    channels: z
      .union([z.literal(1), z.literal(3)])
      .optional()
      .describe('Reads every image as grey (1) or RGB (3); by default as the files are, which must then all be alike.'),
    imageSize: z
      .strictObject({ height: side.describe('Pixels.'), width: side.describe('Pixels.') })
      .optional()
      .describe('Resizes every image to this (area average); by default all images must have one size.'),
  })
  .describe('A folder of images as a data set; its class folders are the classes.');
export type ImageFolder = z.infer<typeof imageFolderSchema>;

/** A set of the catalogue by its name, or a folder of images. */
export const datasetChoiceSchema = z.union([datasetNameSchema, imageFolderSchema], {
  error: `expected one of ${DATASET_NAMES.map((name) => `"${name}"`).join('|')}, or { "folder": path }`,
});
export type DatasetChoice = z.infer<typeof datasetChoiceSchema>;

export const EXTRACTOR_PRESETS = ['wrn-10-1', 'wrn-10-2', 'wrn-16-4', 'wrn-28-10', 'wrn-32-10'] as const;
export const extractorPresetSchema = z.enum(EXTRACTOR_PRESETS);
export type ExtractorPreset = z.infer<typeof extractorPresetSchema>;

export const PROCEDURES = ['normal', 'noise', 'adv', 'adv-d', 'adv-s', 'gaussian'] as const;
export const procedureSchema = z.enum(PROCEDURES);
export type Procedure = z.infer<typeof procedureSchema>;

export const consistencySchema = z
  .strictObject({
    weight: z.number().min(0).default(10).describe('λ: weight of the term beside the cross-entropy.'),
    draws: z.int().min(2).default(2).describe('m: noise draws of each input, anew in every training step.'),
  })
  .describe("The mean KL divergence of each draw's prediction from their average (Jeong & Shin 2020).");
export type Consistency = z.infer<typeof consistencySchema>;

export const trainingSchema = z
  .strictObject({
    procedure: procedureSchema.default('normal').describe('Training procedure (METHOD.md §2).'),
    epsilon: positive
      .default(0.1)
      .describe('Radius of the training perturbation; used by all procedures but "normal" and "gaussian".'),
    attackSteps: count.default(10).describe('Steps of the L2-PGD of "adv", "adv-d" and "adv-s".'),
    relativeStep: positive
      .optional()
      .describe('Step length of that PGD as a share of epsilon; by default 2.5 / attackSteps.'),
    representationWeight: z
      .number()
      .min(0)
      .default(1)
      .describe('λ of "adv-d": weight of the distance between the representations of clean and attacked input.'),
    noiseDraws: count.default(2).describe('m of "adv-s": noise draws of each input, anew in every training step.'),
    sigma: positive
      .optional()
      .describe(
        'Standard deviation of the noise of "gaussian" and "adv-s", normalised units; by default certification.sigma.',
      ),
    consistency: consistencySchema
      .optional()
      .describe('Of "gaussian": also asks for the same prediction at several draws of an input; by default not.'),
    learningRate: positive.default(1e-4).describe('Of Adam.'),
    batchSize: count.default(64),
    maxEpochs: count.default(100),
    validationEvery: count.default(2).describe('Epochs between two measurements of the validation loss.'),
    patience: count.default(10).describe('Epochs without a better validation loss before training stops.'),
  })
  .describe('Adam on cross-entropy with early stopping; the best weights are restored.');
export type TrainingSettings = z.infer<typeof trainingSchema>;

export const domainDataSchema = z.strictObject({
  dataset: datasetChoiceSchema.describe('Name of a known set, or { "folder": path } for images of your own.'),
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

export const NOISE_SHAPES = ['sphere', 'ball'] as const;
export const noiseShapeSchema = z.enum(NOISE_SHAPES);
export type NoiseShape = z.infer<typeof noiseShapeSchema>;

export const noiseAttackSchema = z
  .strictObject({
    enabled: z.boolean().default(true),
    epsilon: positive.default(0.1).describe('L2 radius of the sphere or ball, normalised units.'),
    draws: count.default(100).describe('Draws an instance; one that changes the prediction breaks it.'),
    shape: noiseShapeSchema
      .default('sphere')
      .describe('Draws are uniform on the sphere of radius epsilon, or in the whole ball.'),
    instances: count.optional().describe('Attacked test instances a domain, balanced; by default all evaluated ones.'),
  })
  .describe(
    'Noise attack (METHOD.md §3): the worst of a number of random perturbations; all heads read the same ones.',
  );
export type NoiseAttackSettings = z.infer<typeof noiseAttackSchema>;

export const adversarialSearchSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('Off by default: with inputSearch it costs up to `steps` gradients an instance and head.'),
    inputSearch: z
      .boolean()
      .default(true)
      .describe('Also search for inputs whose representation comes near the adversarial one; what costs the time.'),
    steps: count.default(1000).describe('Most steps of the input search.'),
    learningRate: positive.default(0.05).describe('Of the input search: a step is this times the gradient.'),
    regulariser: z
      .number()
      .min(0)
      .default(0.1)
      .describe("Weight of the distance ‖x'' − x‖₂ in the loss of the input search."),
    instances: count.optional().describe('Searched test instances a domain, balanced; by default all evaluated ones.'),
  })
  .describe(
    'For heads of one layer: the closest representation with another prediction, exactly, and a search for inputs near it (METHOD.md §3).',
  );
export type AdversarialSearchSettings = z.infer<typeof adversarialSearchSchema>;

export const METHODS = ['label', 'representation', 'logit', 'pairwise'] as const;
export const methodSchema = z.enum(METHODS);
export type Method = z.infer<typeof methodSchema>;

export const RULES = ['paper', 'lipschitz', 'lipschitz-l2', 'interval', 'linear'] as const;
export const ruleSchema = z.enum(RULES);
export type Rule = z.infer<typeof ruleSchema>;

export const SELECTIONS = ['separate', 'shared'] as const;
export const selectionSchema = z.enum(SELECTIONS);
export type Selection = z.infer<typeof selectionSchema>;

export const LOGIT_TESTS = ['pairs', 'bonferroni'] as const;
export const logitTestSchema = z.enum(LOGIT_TESTS);
export type LogitTest = z.infer<typeof logitTestSchema>;

export const NOISE_KINDS = ['float32', 'lattice'] as const;
export const noiseKindSchema = z.enum(NOISE_KINDS);
export type NoiseKind = z.infer<typeof noiseKindSchema>;

export const falsificationSchema = z
  .strictObject({
    enabled: z.boolean().default(true),
    restarts: z.int().min(0).default(4).describe('Random starts beside the worst corners of linear bounds.'),
    steps: count.default(20).describe('Most steps from each start. One layer needs none: its worst corners are known.'),
  })
  .describe(
    'Search of the boxes of "paper" certificates, where that rule is no proof, for points with another prediction.',
  );
export type FalsificationSettings = z.infer<typeof falsificationSchema>;

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
        'Tests for "the margin stays positive on the box" of representation certificates. "paper" is a proof under wn-l1 alone.',
      ),
    logitTest: logitTestSchema
      .default('pairs')
      .describe('Each pair of logits at α/2 + α/2 (intersection–union), or all K logits at α/(2K).'),
    noise: noiseKindSchema
      .default('float32')
      .describe(
        'How noise is drawn and added: in float32, fast and exact up to rounding, or on a lattice from its exact distribution, whose ' +
          'certificates hold in floating point too and pay for it in radius (below 0.1 % of sigma on 28×28 images).',
      ),
    falsification: falsificationSchema.prefault({}),
  })
  .describe('Smoothing certificates (METHOD.md §4).');
export type CertificationSettings = z.infer<typeof certificationSchema>;

export const headSearchSchema = z
  .strictObject({
    instances: count
      .default(200)
      .describe('Validation images that the heads are compared on; all where there are fewer.'),
    draws: count
      .default(500)
      .describe('n: draws of each that estimate its radius, at the sigma and alpha of the certification.'),
    selectionDraws: count.default(100).describe('n₀: separate draws that choose the class under test.'),
  })
  .describe(
    'Compares the heads by their mean label radius on validation images, never on test instances, so that one may be chosen.',
  );
export type HeadSearch = z.infer<typeof headSearchSchema>;

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
  headsOn: z
    .array(domainSchema)
    .min(1)
    .optional()
    .describe(
      'Domains that heads are trained, attacked and certified on, by default both; the extractor is always trained on the source.',
    ),
  headSearch: headSearchSchema
    .optional()
    .describe('Chooses among the heads by certificates of validation images; by default none is chosen.'),
  instances: count.default(1000).describe('Evaluated test instances a domain: a balanced random subset.'),
  precision: precisionSchema
    .default('float32')
    .describe(
      "What the extractor's convolutions compute in wherever heads are evaluated: accuracy, attacks and certificates " +
        'are all of that model. Training and heads stay float32. Other than float32 needs the tensorflow backend.',
    ),
  noiseAttack: noiseAttackSchema.prefault({}),
  pgd: pgdSchema.prefault({}),
  adversarialSearch: adversarialSearchSchema.prefault({}),
  certification: certificationSchema.prefault({}),
});
export type ExperimentConfig = z.infer<typeof experimentConfigSchema>;
export type ExperimentConfigInput = z.input<typeof experimentConfigSchema>;

/** Domains that a run has heads on, source first. */
export function domainsOfHeads({ headsOn }: Pick<ExperimentConfig, 'headsOn'>): Domain[] {
  return DOMAINS.filter((domain) => headsOn?.includes(domain) ?? true);
}
