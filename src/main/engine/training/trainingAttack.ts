import * as tf from '@tensorflow/tfjs-core';
import { logOddsAgainst } from '../ops/crossEntropy.ts';
import { standardNormal, type NoiseSource } from '../ops/standardNormal.ts';
import { isAttacked, rowsPerImage, type AttackedTraining, type EffectiveTraining } from './effectiveTraining.ts';
import { projectToBall } from './perturbations.ts';

/** Images of a training step and what they show. */
export interface LabelledBatch {
  /** [N, H, W, C], normalised */
  readonly images: tf.Tensor4D;
  /** [N, K], one-hot */
  readonly labels: tf.Tensor2D;
}

export interface TrainingAttack {
  readonly settings: AttackedTraining;
  /**
   * The model under attack, from images [R, H, W, C] to logits [R, K] at the training temperature, in inference mode:
   * no row may depend on another one.
   */
  readonly logits: (images: tf.Tensor4D) => tf.Tensor2D;
  /** Where the draws start, of `normalsPerImage` values an image. */
  readonly source: NoiseSource;
}

/** A zero gradient moves nothing instead of dividing by zero. */
const SMALLEST_NORM = 1e-30;

/** Coordinates that a random start draws beyond those that it has. */
const BEYOND = 2;

/** Standard normals that a training step draws for an image of `size` values: η or all η_i, the start of its attack, or start and all η_i. */
export function normalsPerImage(settings: EffectiveTraining, size: number): number {
  if (!isAttacked(settings)) return rowsPerImage(settings) * size;
  return size + BEYOND + (settings.procedure === 'adv-s' ? settings.noiseDraws * size : 0);
}

/**
 * The inputs that a step of `adv`, `adv-d` or `adv-s` trains on (METHOD.md §2): x' = x + δ of each image, under `adv-s`
 * x' + η_i for its m draws η_i ~ N(0, σ²I), which the attack sees too. Rows of an image are neighbours: row i·m + d is draw
 * d of image i.
 * @returns [N·m, H, W, C]; m = 1 but under `adv-s`
 */
export function attackedInputs({ images, labels }: LabelledBatch, attack: TrainingAttack): tf.Tensor4D {
  const { settings, source } = attack;
  const [count, ...shape] = images.shape;
  const size = images.size / count;
  return tf.tidy(() => {
    const draws = standardNormal(source, [count, normalsPerImage(settings, size)]);
    const start = pointsInBall(tf.slice(draws, [0, 0], [count, size + BEYOND]), settings.epsilon);
    const inputsAt = (delta: tf.Tensor): tf.Tensor4D => {
      const moved = tf.add(tf.reshape(images, [count, size]), delta);
      const noisy = settings.procedure === 'adv-s' ? withNoise(moved, noiseOf(draws, settings)) : moved;
      return tf.reshape(noisy, [count * rowsPerImage(settings), ...shape]);
    };
    return inputsAt(worstDelta(start, { labels, attack, inputsAt }));
  });
}

interface Ascent {
  readonly labels: tf.Tensor2D;
  readonly attack: TrainingAttack;
  /** From δ, [N, size], to the rows that the model sees. */
  readonly inputsAt: (delta: tf.Tensor) => tf.Tensor4D;
}

/** δ after all steps of L2-PGD from a start, [N, size]: each along the normalised gradient, then back into the ball. */
function worstDelta(start: tf.Tensor2D, { labels, attack, inputsAt }: Ascent): tf.Tensor2D {
  const { settings, logits } = attack;
  const stepLength = settings.relativeStep * settings.epsilon;
  const objective = (delta: tf.Tensor): tf.Scalar =>
    tf.sum(logOddsAgainstMean(logits(inputsAt(delta)), labels, rowsPerImage(settings)));
  let delta = start;
  for (let step = 0; step < settings.attackSteps; step++) {
    delta = tf.tidy(() => {
      const gradient = tf.grad(objective)(delta);
      const norm = tf.sqrt(tf.sum(tf.square(gradient), 1, true));
      const direction = tf.div(gradient, tf.maximum(norm, SMALLEST_NORM));
      return projectToBall(tf.add(delta, tf.mul(direction, stepLength)), settings.epsilon);
    });
  }
  return delta;
}

/**
 * log((1 − p)/p) with p the mean over an image's m rows of its label's softmax, [N]: its gradient points where that of
 * −log p does, and does not vanish where p rounds to 1 (logOddsAgainst).
 * @param logits [N·m, K]
 * @param oneHot [N, K]
 */
export function logOddsAgainstMean(logits: tf.Tensor2D, oneHot: tf.Tensor2D, rows: number): tf.Tensor1D {
  if (rows === 1) return logOddsAgainst(logits, oneHot);
  return tf.tidy(() => {
    const labels = repeatRows(oneHot, rows);
    const total = tf.logSumExp(logits, 1);
    const own = tf.sub(tf.sum(tf.mul(logits, labels), 1), total);
    const others = tf.add(logOddsAgainst(logits, labels), own);
    const sum = (logShares: tf.Tensor): tf.Tensor1D => tf.logSumExp(tf.reshape(logShares, [oneHot.shape[0], rows]), 1);
    return tf.sub(sum(others), sum(own));
  });
}

/** Each row `rows` times in a row, [N·rows, K]. */
export function repeatRows(x: tf.Tensor2D, rows: number): tf.Tensor2D {
  const [count, width] = x.shape;
  return rows === 1 ? x : tf.tidy(() => tf.reshape(tf.tile(tf.expandDims(x, 1), [1, rows, 1]), [count * rows, width]));
}

/** η of every draw, [N, m, size]: the draws behind those of the start. */
function noiseOf(draws: tf.Tensor2D, { noiseDraws, sigma }: { noiseDraws: number; sigma: number }): tf.Tensor3D {
  const [count, width] = draws.shape;
  const size = (width - BEYOND) / (noiseDraws + 1);
  const normals = tf.slice(draws, [0, size + BEYOND], [count, noiseDraws * size]);
  return tf.mul(tf.reshape(normals, [count, noiseDraws, size]), sigma);
}

/** @param x [N, size] @returns [N, m, size] */
const withNoise = (x: tf.Tensor, noise: tf.Tensor3D): tf.Tensor => tf.add(tf.expandDims(x, 1), noise);

/**
 * Points uniform in the ball of radius epsilon, [N, size]: a uniform point on the sphere in two dimensions more, without its
 * last two coordinates, is one (Harman & Lacko 2010), and needs normals alone.
 * @param normals [N, size + 2]
 */
function pointsInBall(normals: tf.Tensor2D, epsilon: number): tf.Tensor2D {
  const [count, width] = normals.shape;
  const norm = tf.sqrt(tf.sum(tf.square(normals), 1, true));
  return tf.mul(tf.slice(normals, [0, 0], [count, width - BEYOND]), tf.div(epsilon, norm));
}
