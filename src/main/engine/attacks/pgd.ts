import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, fillStandardNormal, philox4x32, type PhiloxKey } from '../../math/philox.ts';
import type { Domain, PgdSettings } from '../../../shared/config.ts';
import type { PgdRecord } from '../../../shared/results.ts';
import type { StageContext } from '../context.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { compile, type CompiledStep } from '../compile/compile.ts';
import { classify, type FrozenHead } from '../models/head.ts';
import { extract, type FrozenExtractor } from '../models/wideResNet.ts';
import { logOddsAgainst, oneHotLabels } from '../ops/crossEntropy.ts';
import { Passes } from '../passes.ts';
import { valuesOf } from '../readBack.ts';
import { projectToBall } from '../training/perturbations.ts';

/**
 * Instances under attack at a time: few, so that several engines have full batches of those that they are dealt, and always
 * as many, since the last digits of a gradient depend on the size of its batch. A power of two, since in a batch of 20
 * they depended on the row as well, which an instance should not notice.
 */
const BATCH = 16;

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
  readonly clean: Float32Array;
  zeroGradientSteps: number;
  gradientSteps: number;
  broken: { readonly step: number; readonly delta: Float32Array } | null;
  /** 'clean' while the prediction on the instance itself is asked for, then the restart under way. */
  restart: 'clean' | number;
  /** Points of this restart seen so far. */
  step: number;
}

/**
 * L2-PGD (METHOD.md §3): random start inside the ball, steps along the normalised input gradient of the cross-entropy
 * (taken of its log-odds, which do not saturate), projection to ‖δ‖₂ ≤ epsilon around the clean input, in normalised
 * units. An instance counts as robust only when the prediction is right on the clean input and at every step of every
 * restart.
 *
 * The batch is always full: an instance that is done gives its row to the next. So one compiled step serves, no row
 * computes in vain, and what becomes of an instance does not depend on when the others leave.
 */
export async function pgd(
  inputs: PgdInputs,
  context: StageContext & { attacked(records: readonly PgdRecord[]): void },
): Promise<void> {
  const step = compile((tensors: PgdStepInputs) => pgdStep(inputs, tensors), { precision: inputs.extractor.precision });
  const waiting = inputs.indices.values();
  const batch = emptyBatch(inputs);
  const passes = new Passes({ rows: BATCH, of: 'PGD steps', release: () => step.dispose() }, context);
  let done = 0;
  try {
    while (fill(inputs, batch, waiting) > 0) {
      const seen = await runStep({ step, passes }, inputs, batch);
      const finished: PgdRecord[] = [];
      batch.targets.forEach((target, row) => {
        if (target === null || !advance(inputs, batch, { seen, row })) return;
        finished.push(recordOf(target));
        batch.targets[row] = null;
      });
      if (finished.length > 0) context.attacked(finished);
      done += finished.length;
      context.progress(done, inputs.indices.length);
    }
  } finally {
    step.dispose();
  }
}

/** The rows of a step on the host; a row without a target is zeros that nobody reads. */
interface Batch {
  readonly targets: (Target | null)[];
  /** [BATCH, size] */
  readonly clean: Float32Array;
  /** [BATCH, size] */
  readonly delta: Float32Array;
  readonly labels: Int32Array;
  readonly size: number;
}

function emptyBatch({ set: { shape } }: PgdInputs): Batch {
  const size = shape.height * shape.width * shape.channels;
  return {
    targets: Array<Target | null>(BATCH).fill(null),
    clean: new Float32Array(BATCH * size),
    delta: new Float32Array(BATCH * size),
    labels: new Int32Array(BATCH),
    size,
  };
}

/** Gives free rows to the next instances. @returns the number of rows in use */
function fill({ set }: PgdInputs, batch: Batch, waiting: Iterator<number, unknown>): number {
  batch.targets.forEach((target, row) => {
    if (target !== null) return;
    const next = waiting.next();
    if (next.done === true) return;
    const index = Int32Array.of(next.value);
    const clean = set.images(index);
    const [label] = set.labels(index);
    batch.clean.set(clean, row * batch.size);
    batch.delta.fill(0, row * batch.size, (row + 1) * batch.size);
    batch.labels[row] = label;
    const counts = { zeroGradientSteps: 0, gradientSteps: 0 };
    batch.targets[row] = { datasetIndex: next.value, label, clean, ...counts, broken: null, restart: 'clean', step: 0 };
  });
  return batch.targets.filter((target) => target !== null).length;
}

/** What one step found at x + δ, and where it goes from there. */
interface Seen {
  /** [BATCH, K] */
  readonly logits: Float32Array;
  /** [BATCH, size] */
  readonly next: Float32Array;
  /** ‖∇‖₂ by rows, [BATCH] */
  readonly gradientNorms: Float32Array;
}

/** Takes in what a step saw of one row, and puts the row's next point in the batch. @returns whether the instance is done */
function advance(
  { settings, domain, seed }: PgdInputs,
  batch: Batch,
  { seen, row }: { seen: Seen; row: number },
): boolean {
  const target = batch.targets[row]!;
  const part = (values: Float32Array, size: number): Float32Array => values.subarray(row * size, (row + 1) * size);
  const delta = part(batch.delta, batch.size);
  const classes = seen.logits.length / BATCH;
  const clean = target.restart === 'clean';
  if (!isRight(part(seen.logits, classes), target.label)) {
    // Step t reads the prediction at the point that t − 1 steps reached, from the same forward pass as its gradient.
    target.broken = { step: clean ? 0 : Math.max(1, target.step), delta: delta.slice() };
  }
  if (!clean) {
    const norm = seen.gradientNorms[row];
    target.gradientSteps++;
    if (!(norm > 0 && norm < Infinity)) target.zeroGradientSteps++;
  }
  if (target.broken !== null) return true;
  if (target.restart !== 'clean' && target.step < settings.steps) {
    delta.set(part(seen.next, batch.size));
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

/** Whether the label wins, the first among equals; a logit that is not a number counts as wrong. */
function isRight(logits: Float32Array, label: number): boolean {
  return logits.every((logit, k) => k === label || logits[label] > logit || (logits[label] === logit && label < k));
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

type PgdStep = CompiledStep<PgdStepInputs, PgdStepOutputs>;

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
  const { height, width, channels } = set.shape;
  let seen: tf.Tensor2D | null = null;
  try {
    const gradient = tf.grad((d: tf.Tensor) => {
      const input: tf.Tensor4D = tf.reshape(tf.add(images, d), [images.shape[0], height, width, channels]);
      seen = tf.keep(classify(head, extract(extractor, input)));
      return tf.sum(logOddsAgainst(seen, labels));
    })(delta);
    // Kept over the end of the gradient's scope; from here on the step's scope takes care of the clone.
    const logits = tf.clone(seen!);
    const gradientNorms = tf.sqrt<tf.Tensor2D>(tf.sum(tf.square(gradient), 1, true));
    const direction = tf.div(gradient, tf.maximum(gradientNorms, SMALLEST_NORM));
    const moved: tf.Tensor2D = tf.add(delta, tf.mul(direction, relativeStepOf(settings) * settings.epsilon));
    return { next: projectToBall(moved, settings.epsilon), logits, gradientNorms };
  } finally {
    // Null, which tfjs passes over, where the forward pass did not come so far.
    tf.dispose(seen!);
  }
}

async function runStep(
  { step, passes }: { readonly step: PgdStep; readonly passes: Passes },
  { head: { classes } }: PgdInputs,
  { clean, delta, labels, size }: Batch,
): Promise<Seen> {
  const seen: Seen = {
    next: new Float32Array(BATCH * size),
    logits: new Float32Array(BATCH * classes),
    gradientNorms: new Float32Array(BATCH),
  };
  await passes.over(BATCH, async ({ first, count }) => {
    const part = <Values extends Float32Array | Int32Array>(values: Values, each: number): Values =>
      values.subarray(first * each, (first + count) * each) as Values;
    const outputs = tf.tidy(() => {
      const { next, logits, gradientNorms } = step.run({
        images: tf.tensor2d(part(clean, size), [count, size]),
        delta: tf.tensor2d(part(delta, size), [count, size]),
        labels: oneHotLabels(part(labels, 1), classes),
      });
      return { next, logits, gradientNorms };
    });
    try {
      part(seen.next, size).set(await valuesOf(outputs.next));
      part(seen.logits, classes).set(await valuesOf(outputs.logits));
      part(seen.gradientNorms, 1).set(await valuesOf(outputs.gradientNorms));
    } finally {
      tf.dispose(outputs);
    }
  });
  return seen;
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

function recordOf({ datasetIndex, label, broken, zeroGradientSteps, gradientSteps }: Target): PgdRecord {
  const perturbed = broken !== null && broken.step > 0;
  return {
    datasetIndex,
    label,
    robust: broken === null,
    brokenAtStep: broken === null ? null : broken.step,
    perturbationNorm: broken === null ? null : Math.sqrt(broken.delta.reduce((sum, value) => sum + value * value, 0)),
    perturbation: perturbed ? broken.delta : null,
    zeroGradientShare: gradientSteps === 0 ? 0 : zeroGradientSteps / gradientSteps,
  };
}
