import { z } from 'zod';
import { DOMAINS, methodSchema, ruleSchema } from '../config.ts';
import type { InstanceReport } from '../instance.ts';
import { ABSTENTIONS } from '../results.ts';
import { call, float64Array, page, recordOf, runId, uint8Array, type Calls } from './call.ts';
import { taskName } from './tasks.ts';

const domain = z.enum(DOMAINS);
const head = z.string().min(1).max(300);

/** What instances are listed by: a prediction (clean, or at the median of the draws), an attack, or the certificates of a method. */
export const LISTED_BY = [
  'clean',
  'representation-median',
  'logit-median',
  'pgd',
  'noise-attack',
  'label',
  'representation',
  'logit',
  'pairwise',
] as const;
export type ListedBy = (typeof LISTED_BY)[number];

/** Any sound rule of representation certificates, each instance by the one that reaches furthest. */
export const ANY_SOUND_RULE = 'any-sound' as const;

export const OUTCOMES = [
  'certified-correct',
  'certified-wrong',
  'abstained',
  /** A certificate by the published rule that a point of its box proves wrong. */
  'falsified',
  /** Only to filter by: what A_V by the published rule counts, falsified or not. */
  'published-correct',
  'correct',
  'wrong',
  'robust',
  'broken',
] as const;
export const outcomeSchema = z.enum(OUTCOMES);
export type Outcome = z.infer<typeof outcomeSchema>;

export const outcomesOf = (by: ListedBy): readonly Outcome[] => {
  if (by === 'clean' || by === 'representation-median' || by === 'logit-median') return ['correct', 'wrong'];
  if (by === 'pgd' || by === 'noise-attack') return ['robust', 'broken'];
  return by === 'representation'
    ? ['published-correct', 'certified-correct', 'certified-wrong', 'abstained', 'falsified']
    : ['certified-correct', 'certified-wrong', 'abstained'];
};

/** Instances behind a list's counts: each has one outcome, but for the one that is only filtered by. */
export const instancesCounted = ({
  'published-correct': _published,
  ...counts
}: Partial<Record<Outcome, number>>): number => Object.values(counts).reduce((sum, n) => sum + n, 0);

export const SORTS = ['index', 'radius', 'margin', 'label'] as const;

const selection = {
  run: runId,
  domain,
  head,
  by: z.enum(LISTED_BY),
  /** Of representation certificates. */
  rule: z.union([ruleSchema, z.literal(ANY_SOUND_RULE)]).default(ANY_SOUND_RULE),
  outcome: outcomeSchema.nullable().default(null),
  /** True class. */
  label: z.int().min(0).nullable().default(null),
  sort: z.enum(SORTS).default('index'),
  isDescending: z.boolean().default(false),
};

export const listedInstanceSchema = z.object({
  index: z.int(),
  label: z.int(),
  /** Of the clean input, or the class that the certificate is about; null where only an attack's outcome is listed. */
  predicted: z.int().nullable(),
  outcome: outcomeSchema,
  /** L2, normalised units: of the certificate, or of the perturbation that broke it. */
  radiusNormalised: z.number().nullable(),
  radiusPixels: z.number().nullable(),
  /** Logits. */
  margin: z.number().nullable(),
  reason: z.enum(Object.keys(ABSTENTIONS) as (keyof typeof ABSTENTIONS)[]).nullable(),
  /** Of a representation certificate. */
  rule: ruleSchema.nullable(),
  isProof: z.boolean(),
});
export type ListedInstance = z.infer<typeof listedInstanceSchema>;

const instance = { run: runId, domain, index: z.int().min(0) };
const pixels = {
  height: z.int(),
  width: z.int(),
  channels: z.int(),
  /** [n, H, W, C], 0 to 255; what lies outside is cut off at its ends. */
  pixels: uint8Array,
};

const verdictText = z.object({ method: methodSchema, rule: ruleSchema.nullable(), text: z.string() });

export const certificatesCalls = {
  /** What there is to list, by domain and head. */
  'certificates.choices': call(
    z.strictObject({ run: runId }),
    z.object({
      sigma: z.number(),
      heads: z.array(
        z.object({
          domain,
          head: z.string(),
          by: z.array(z.enum(LISTED_BY)),
          rules: z.array(z.object({ rule: ruleSchema, isProof: z.boolean() })),
        }),
      ),
      /** [K] by domain. */
      classNames: z.object({ source: z.array(z.string()), target: z.array(z.string()) }),
    }),
  ),
  'certificates.list': call(
    z.strictObject({ ...selection, ...page.shape }),
    z.object({
      total: z.int(),
      rows: z.array(listedInstanceSchema),
      /** By outcome, of the whole selection but for its outcome. */
      counts: z.partialRecord(outcomeSchema, z.int()),
    }),
  ),
  /** The instances before and after one in the selection's order, and its place in it, from 0. */
  'certificates.neighbours': call(
    z.strictObject({ ...selection, index: z.int().min(0) }),
    z.object({
      before: z.int().nullable(),
      after: z.int().nullable(),
      place: z.int().nullable(),
      total: z.int(),
    }),
  ),
  /** Test images as the models see them, in pixel units. */
  'certificates.images': call(
    z.strictObject({ run: runId, domain, indices: z.array(z.int().min(0)).min(1).max(500) }),
    z.object(pixels),
  ),
  /** Everything that the run says about one test image, with all evidence. */
  'certificates.instance': call(
    z.strictObject({ ...instance, head: head.nullable().default(null) }),
    recordOf<InstanceReport>(),
  ),
  /** The clean image and the first of its noisy draws, drawn anew from the seed. */
  'certificates.draws': call(
    z.strictObject({
      ...instance,
      of: z.enum(['selection', 'estimation']).default('estimation'),
      count: z.int().min(1).max(64).default(11),
    }),
    z.object({ sigma: z.number(), ...pixels }),
  ),
  /** What attacks and searches found: clean, perturbed and difference, the last magnified around grey. */
  'certificates.adversarial': call(
    z.strictObject({ ...instance, head }),
    z.array(
      z.object({
        attack: z.enum(['pgd', 'noise-attack', 'adversarial-search']),
        isAdversarial: z.boolean(),
        /** Null where the attack did not keep it. */
        predicted: z.int().nullable(),
        distanceL2: z.number(),
        distanceLinf: z.number(),
        distanceL2Pixels: z.number().nullable(),
        /** How often the difference is magnified. */
        magnification: z.number(),
        ...pixels,
      }),
    ),
  ),
  /**
   * Where the margin of a representation certificate goes: the line below h_c − h_rival on the stored box falls from the median to its
   * worst corner by the sum of these losses.
   */
  'certificates.losses': call(
    z.strictObject({ ...instance, head, rule: ruleSchema, rival: z.int().min(0) }),
    z.object({
      /** [D], each ≥ 0. */
      losses: float64Array,
      marginAtMedian: z.number(),
      marginLower: z.number(),
    }),
  ),
  /**
   * The margin that each rule proves at every radius: the draws again, their boxes from the smallest to the largest, and the margin to each rival
   * on each. A certificate's own radius is the largest at which all are positive.
   */
  'certificates.marginCurve': call(
    z.strictObject({ ...instance, head, task: taskName }),
    z.object({
      /** The class under test, by rule alike. */
      predicted: z.int(),
      /** Ascending, normalised units. */
      radius: float64Array,
      rules: z.array(
        z.object({
          rule: ruleSchema,
          isProof: z.boolean(),
          /** [radii, K], row-major; +Infinity at the class itself. */
          margins: float64Array,
        }),
      ),
      /** Whether the boxes at the stored certificates' own radii are the stored ones, bit for bit. */
      isSame: z.boolean(),
    }),
  ),
  /** Rechecks the certificates of one image and head from their evidence; with `redraw`, draws again and compares. */
  'certificates.verify': call(
    z.strictObject({ ...instance, head, redraw: z.boolean(), task: taskName }),
    z.object({
      /** Verdicts as they are stored, and as they follow from the evidence, with what is wrong. */
      rechecked: z.array(verdictText.extend({ stored: z.string(), problems: z.array(z.string()) })),
      redrawn: z
        .object({
          engine: z.string(),
          madeOn: z.string(),
          certificates: z.array(
            verdictText.extend({
              stored: z.string(),
              agreement: z.enum(['identical', 'same-outcome', 'different']),
            }),
          ),
        })
        .nullable(),
    }),
  ),
} as const satisfies Calls;
