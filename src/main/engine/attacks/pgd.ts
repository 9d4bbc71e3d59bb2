import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, fillStandardNormal, philox4x32, type PhiloxKey } from '../../math/philox.ts';
import type { Domain, PgdSettings } from '../../../shared/config.ts';
import type { PgdRecord } from '../../../shared/results.ts';
import type { StageContext } from '../context.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { classify, type FrozenHead } from '../models/head.ts';
import { extract, type FrozenExtractor } from '../models/wideResNet.ts';
import { logOddsAgainst } from '../ops/crossEntropy.ts';
import { projectToBall } from '../training/perturbations.ts';
import { searchInFullBatches, type RowSearch, type Rows } from './fullBatches.ts';
import { lossGradient } from './lossGradient.ts';
import { halfOf, isRight, logOddsOf, normOf } from './outcome.ts';

/** A step as a share of epsilon: 2.5 times the way from centre to boundary, over all steps (METHOD.md §2). */
export function relativeStepOf({ relativeStep, steps }: Pick<PgdSettings, 'relativeStep' | 'steps'>): number {
  return relativeStep ?? 2.5 / steps;
}

export interface PgdInputs {
  readonly extractor: FrozenExtractor;
  readonly head: FrozenHead;
  readonly set: DomainImages;
  readonly indices: Int32Array;
  readonly settings: PgdSettings;
  readonly domain: Domain;
  readonly seed: number;
}

/** An instance and how the attack on it stands. */
interface Target {
  readonly datasetIndex: number;
  readonly label: number;
  zeroGradientSteps: number;
  gradientSteps: number;
  broken: { readonly step: number; readonly delta: Float32Array } | null;
  /** Of the first restart. */
  readonly losses: Losses;
  /** 'clean' while the prediction on the instance itself is asked for, then the restart under way. */
  restart: 'clean' | number;
  /** Points of this restart seen so far. */
  step: number;
}

interface Losses {
  lossStart: number | null;
  lossHalf: number | null;
  lossEnd: number | null;
}

/**
 * L2-PGD (METHOD.md §3): random start inside the ball, steps along the normalised input gradient of the cross-entropy
 * (taken of its log-odds, which do not saturate), projection to ‖δ‖₂ ≤ epsilon around the clean input, in normalised
 * units. An instance counts as robust only when the prediction is right on the clean input and at every step of every
 * restart.
 */
export async function pgd(
  inputs: PgdInputs,
  context: StageContext & { attacked(records: readonly PgdRecord[]): void },
): Promise<void> {
  const finished = (targets: readonly Target[]): void => context.attacked(targets.map(recordOf));
  await searchInFullBatches(searchOf(inputs), { ...context, finished });
}

type PgdSearch = RowSearch<Target, keyof PgdStepInputs, keyof PgdStepOutputs>;

function searchOf(inputs: PgdInputs): PgdSearch {
  const { extractor, head, set, indices } = inputs;
  const size = set.shape.height * set.shape.width * set.shape.channels;
  return {
    of: 'PGD steps',
    indices,
    precision: extractor.precision,
    inputs: { images: size, delta: size, labels: head.classes },
    outputs: { next: size, logits: head.classes, gradientNorms: 1 },
    step: (tensors) => pgdStep(inputs, tensors),
    begin(datasetIndex, row) {
      const index = Int32Array.of(datasetIndex);
      const [label] = set.labels(index);
      row.images.set(set.images(index));
      row.delta.fill(0);
      row.labels.fill(0)[label] = 1;
      const losses = { lossStart: null, lossHalf: null, lossEnd: null };
      const counts = { zeroGradientSteps: 0, gradientSteps: 0 };
      return { datasetIndex, label, ...counts, losses, broken: null, restart: 'clean', step: 0 };
    },
    advance: (target, row, seen) => advance(inputs, { target, row, seen }),
  };
}

interface Advance {
  readonly target: Target;
  readonly row: Rows<keyof PgdStepInputs>;
  readonly seen: Rows<keyof PgdStepOutputs>;
}

/** Takes in what a step saw of an instance, and puts its next point in its row. @returns whether the instance is done */
function advance({ settings, domain, seed }: PgdInputs, { target, row, seen }: Advance): boolean {
  const { delta } = row;
  const clean = target.restart === 'clean';
  if (!isRight(seen.logits, target.label)) {
    // Step t reads the prediction at the point that t − 1 steps reached, from the same forward pass as its gradient.
    target.broken = { step: clean ? 0 : Math.max(1, target.step), delta: delta.slice() };
  }
  if (!clean) {
    const [norm] = seen.gradientNorms;
    target.gradientSteps++;
    if (!(norm > 0 && norm < Infinity)) target.zeroGradientSteps++;
    if (target.restart === 0) keepLoss(target, settings, seen.logits);
  }
  if (target.broken !== null) return true;
  if (target.restart !== 'clean' && target.step < settings.steps) {
    delta.set(seen.next);
    target.step++;
    return false;
  }
  target.restart = target.restart === 'clean' ? 0 : target.restart + 1;
  target.step = 0;
  if (target.restart >= settings.restarts) return true;
  delta.fill(0);
  if (settings.randomStart)
    randomStart(delta, settings.epsilon, deriveKey(seed, 'pgd-start', domain, target.restart, target.datasetIndex));
  return false;
}

/** What the self-checks read (METHOD.md §3). Of one step, the half is the end. */
function keepLoss({ step, label, losses }: Target, { steps }: PgdSettings, logits: Float32Array): void {
  const loss = logOddsOf(logits, label);
  if (step === 0) losses.lossStart = loss;
  if (step === halfOf(steps)) losses.lossHalf = loss;
  if (step === steps) losses.lossEnd = loss;
}

export interface PgdStepInputs {
  /** [N, size] */
  readonly images: tf.Tensor2D;
  /** [N, size] */
  readonly delta: tf.Tensor2D;
  /** [N, K], one-hot */
  readonly labels: tf.Tensor2D;
}

interface PgdStepOutputs {
  readonly next: tf.Tensor2D;
  readonly logits: tf.Tensor2D;
  /** [N, 1] */
  readonly gradientNorms: tf.Tensor2D;
}

/** A zero gradient moves nothing instead of dividing by zero. */
const SMALLEST_NORM = 1e-30;

/** One step: logits at x + δ and the next δ, for `compile`; the weights of extractor and head become constants. */
export function pgdStep(
  {
    extractor,
    head,
    set,
    settings,
  }: Pick<PgdInputs, 'extractor' | 'head' | 'settings'> & {
    readonly set: Pick<DomainImages, 'shape'>;
  },
  { images, delta, labels }: PgdStepInputs,
): PgdStepOutputs {
  const { gradient, seen: logits } = lossGradient(
    { images, delta, shape: set.shape },
    {
      see: (perturbed) => classify(head, extract(extractor, perturbed)),
      of: (seen) => tf.sum(logOddsAgainst(seen, labels)),
    },
  );
  const gradientNorms = tf.sqrt<tf.Tensor2D>(tf.sum(tf.square(gradient), 1, true));
  const direction = tf.div(gradient, tf.maximum(gradientNorms, SMALLEST_NORM));
  const moved: tf.Tensor2D = tf.add(delta, tf.mul(direction, relativeStepOf(settings) * settings.epsilon));
  return { next: projectToBall(moved, settings.epsilon), logits, gradientNorms };
}

/**
 * Puts a point uniform in the ball into `delta`: a normal direction at length epsilon·u^(1/size). Keyed by instance, so
 * that an instance's start does not depend on who else is in the batch.
 */
function randomStart(delta: Float32Array, epsilon: number, key: PhiloxKey): void {
  fillStandardNormal(delta, key, 1);
  const uniform = philox4x32(Uint32Array.of(0, 0, 0, 0), Uint32Array.from(key))[0] / 2 ** 32;
  const length = epsilon * uniform ** (1 / delta.length);
  const norm = Math.hypot(...delta);
  delta.forEach((value, j) => (delta[j] = (value / norm) * length));
}

function recordOf({ datasetIndex, label, broken, zeroGradientSteps, gradientSteps, losses }: Target): PgdRecord {
  const perturbed = broken !== null && broken.step > 0;
  return {
    datasetIndex,
    label,
    robust: broken === null,
    brokenAtStep: broken === null ? null : broken.step,
    perturbationNorm: broken === null ? null : normOf(broken.delta),
    perturbation: perturbed ? broken.delta : null,
    zeroGradientShare: gradientSteps === 0 ? 0 : zeroGradientSteps / gradientSteps,
    ...losses,
  };
}
