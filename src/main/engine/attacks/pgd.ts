import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, fillStandardNormal, philox4x32 } from '../../math/philox.ts';
import type { Domain, PgdSettings } from '../../../shared/config.ts';
import type { PgdRecord } from '../../../shared/results.ts';
import type { StageContext } from '../context.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { batches, imageTensor } from '../imageSet.ts';
import { classify, type FrozenHead } from '../models/head.ts';
import { extract, type FrozenExtractor } from '../models/wideResNet.ts';
import { logOddsAgainst, oneHotLabels } from '../ops/crossEntropy.ts';
import { projectToBall } from '../training/perturbations.ts';

const BATCH = 64;

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

/** An attack under way on one instance. */
interface Target {
  readonly datasetIndex: number;
  readonly label: number;
  readonly clean: Float32Array;
  zeroGradientSteps: number;
  gradientSteps: number;
  broken: { readonly step: number; readonly delta: Float32Array } | null;
}

/**
 * L2-PGD (METHOD.md §3): random start inside the ball, steps along the normalised input gradient of the cross-entropy
 * (taken of its log-odds, which do not saturate), projection to ‖δ‖₂ ≤ epsilon around the clean input, in normalised units. An instance counts as robust only when the
 * prediction is right on the clean input and at every step of every restart; it leaves the batch once it is wrong.
 */
export async function pgd(
  inputs: PgdInputs,
  context: StageContext & { attacked(records: readonly PgdRecord[]): void },
): Promise<void> {
  let done = 0;
  for (const part of batches(inputs.indices, BATCH)) {
    const targets = targetsOf(inputs.set, part);
    markBroken(targets, { deltas: null, logits: cleanLogits(inputs, targets), step: 0 });
    for (let restart = 0; restart < inputs.settings.restarts; restart++) {
      await attackOnce(inputs, targets, { restart, context });
    }
    context.attacked(targets.map(recordOf));
    done += part.length;
    context.progress(done, inputs.indices.length);
  }
}

function targetsOf(set: DomainImages, indices: Int32Array): Target[] {
  const labels = set.labels(indices);
  const images = set.images(indices);
  const size = images.length / indices.length;
  return Array.from(indices, (datasetIndex, i) => ({
    datasetIndex,
    label: labels[i],
    clean: images.slice(i * size, (i + 1) * size),
    zeroGradientSteps: 0,
    gradientSteps: 0,
    broken: null,
  }));
}

function cleanLogits({ extractor, head, set }: PgdInputs, targets: readonly Target[]): Float32Array {
  const indices = Int32Array.from(targets, (target) => target.datasetIndex);
  return tf.tidy(() => Float32Array.from(classify(head, extract(extractor, imageTensor(set, indices))).dataSync()));
}

/** Notes each target whose prediction is wrong; a logit that is not a number counts as wrong. */
function markBroken(
  targets: readonly Target[],
  { deltas, logits, step }: { deltas: Float32Array | null; logits: Float32Array; step: number },
): void {
  const classes = logits.length / targets.length;
  targets.forEach((target, row) => {
    const own = logits[row * classes + target.label];
    const right = logits
      .subarray(row * classes, (row + 1) * classes)
      .every((logit, k) => k === target.label || own > logit || (own === logit && target.label < k));
    if (right || target.broken !== null) return;
    const size = target.clean.length;
    const delta = deltas === null ? new Float32Array(size) : deltas.slice(row * size, (row + 1) * size);
    target.broken = { step, delta };
  });
}

async function attackOnce(
  inputs: PgdInputs,
  targets: readonly Target[],
  { restart, context }: { restart: number; context: StageContext },
): Promise<void> {
  const { settings } = inputs;
  let active = targets.filter((target) => target.broken === null);
  let delta = startingPoint(inputs, active, restart);
  try {
    // Step t reads the prediction at the point that t − 1 steps reached, from the same forward pass as its gradient.
    for (let step = 0; step <= settings.steps && active.length > 0; step++) {
      const { next, logits, gradientNorms } = pgdStep(inputs, active, delta);
      const reached = delta.dataSync<'float32'>();
      markBroken(active, { deltas: reached, logits, step: Math.max(1, step) });
      active.forEach((target, i) => {
        target.gradientSteps++;
        if (!(gradientNorms[i] > 0 && gradientNorms[i] < Infinity)) target.zeroGradientSteps++;
      });
      delta.dispose();
      const surviving = active.flatMap((target, i) => (target.broken === null ? [i] : []));
      delta = surviving.length === active.length ? next : tf.tidy(() => tf.gather(next, surviving));
      if (delta !== next) next.dispose();
      active = surviving.map((i) => active[i]);
      await context.breathe();
    }
  } finally {
    delta.dispose();
  }
}

/** One step for all active instances: logits at x + δ, and the next δ. A function of tensors, no read-back inside. */
function pgdStep(
  { extractor, head, set, settings }: PgdInputs,
  active: readonly Target[],
  delta: tf.Tensor2D,
): { next: tf.Tensor2D; logits: Float32Array; gradientNorms: Float32Array } {
  const { height, width, channels } = set.shape;
  const size = height * width * channels;
  const clean = new Float32Array(active.length * size);
  active.forEach((target, i) => clean.set(target.clean, i * size));
  const labels = Int32Array.from(active, (target) => target.label);
  const [next, logits, norms] = tf.tidy(() => {
    const oneHot = oneHotLabels(labels, head.classes);
    const images = tf.tensor2d(clean, [active.length, size]);
    let seen: tf.Tensor | null = null;
    const gradient = tf.grad((d: tf.Tensor) => {
      const input: tf.Tensor4D = tf.reshape(tf.add(images, d), [active.length, height, width, channels]);
      const output = classify(head, extract(extractor, input));
      seen = tf.keep(tf.clone(output));
      return tf.sum(logOddsAgainst(output, oneHot));
    })(delta);
    const norm = tf.sqrt(tf.sum(tf.square(gradient), 1, true));
    const direction = tf.div(gradient, tf.maximum(norm, SMALLEST_NORM));
    const moved: tf.Tensor2D = tf.add(delta, tf.mul(direction, relativeStepOf(settings) * settings.epsilon));
    return [projectToBall(moved, settings.epsilon), seen!, norm] as [tf.Tensor2D, tf.Tensor, tf.Tensor];
  });
  const result = {
    next,
    logits: Float32Array.from(logits.dataSync<'float32'>()),
    gradientNorms: Float32Array.from(norms.dataSync<'float32'>()),
  };
  tf.dispose([logits, norms]);
  return result;
}

/** A zero gradient moves nothing instead of dividing by zero. */
const SMALLEST_NORM = 1e-30;

/**
 * δ₀, [N, size]: zero, or uniform in the ball: a normal direction at length epsilon·u^(1/size). Keyed by instance, so
 * that an instance's start does not depend on who else is in the batch.
 */
function startingPoint({ settings, domain, seed }: PgdInputs, active: readonly Target[], restart: number): tf.Tensor2D {
  const size = active[0]?.clean.length ?? 0;
  const start = new Float32Array(active.length * size);
  if (settings.randomStart) {
    active.forEach(({ datasetIndex }, i) => {
      const row = start.subarray(i * size, (i + 1) * size);
      const key = deriveKey(seed, 'pgd-start', domain, restart, datasetIndex);
      fillStandardNormal(row, key, 1);
      const uniform = philox4x32(Uint32Array.of(0, 0, 0, 0), Uint32Array.from(key))[0] / 2 ** 32;
      const length = settings.epsilon * uniform ** (1 / size);
      const norm = Math.hypot(...row);
      row.forEach((value, j) => (row[j] = (value / norm) * length));
    });
  }
  return tf.tensor2d(start, [active.length, size]);
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
