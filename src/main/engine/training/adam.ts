import * as tf from '@tensorflow/tfjs-core';
import { mapValues } from '../models/arrays.ts';
import type { Parameters } from '../models/parameters.ts';

/** Kingma & Ba 2015, their constants. */
const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** Moments of each trained parameter; a checkpoint is this and the parameters. */
export interface AdamState {
  readonly step: number;
  readonly first: Parameters;
  readonly second: Parameters;
}

export function initialAdam(parameters: Parameters): AdamState {
  return {
    step: 0,
    first: mapValues(parameters, (p) => tf.zerosLike(p)),
    second: mapValues(parameters, (p) => tf.zerosLike(p)),
  };
}

/** Scalars that change from step to step, and so are inputs of a compiled one. */
export interface AdamRates {
  readonly rate: tf.Tensor;
  readonly epsilon: tf.Tensor;
}

/**
 * Rate and epsilon of a step (1-based) with the bias correction moved into them from the moments, which is the same
 * update in fewer ops.
 */
export function adamRates(step: number, learningRate: number): AdamRates {
  const correction = Math.sqrt(1 - BETA2 ** step);
  return {
    rate: tf.scalar((learningRate * correction) / (1 - BETA1 ** step)),
    epsilon: tf.scalar(EPSILON * correction),
  };
}

/** One update: moments in, moments out; the old tensors stay with the caller. */
export function adamUpdate(
  parameters: Parameters,
  gradients: Parameters,
  { first: oldFirst, second: oldSecond, rate, epsilon }: Omit<AdamState, 'step'> & AdamRates,
): Omit<AdamState, 'step'> & { readonly parameters: Parameters } {
  const first = mapValues(oldFirst, (m, name) =>
    tf.tidy(() => tf.add(tf.mul(m, BETA1), tf.mul(gradients[name], 1 - BETA1))),
  );
  const second = mapValues(oldSecond, (v, name) =>
    tf.tidy(() => tf.add(tf.mul(v, BETA2), tf.mul(tf.square(gradients[name]), 1 - BETA2))),
  );
  const updated = mapValues(parameters, (p, name) =>
    tf.tidy(() => tf.sub(p, tf.mul(tf.div(first[name], tf.add(tf.sqrt(second[name]), epsilon)), rate))),
  );
  return { parameters: updated, first, second };
}
