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

/** One update: state in, state out; the old tensors stay with the caller. */
export function adamUpdate(
  parameters: Parameters,
  gradients: Parameters,
  { state, learningRate }: { state: AdamState; learningRate: number },
): { parameters: Parameters; state: AdamState } {
  const step = state.step + 1;
  const rate = (learningRate * Math.sqrt(1 - BETA2 ** step)) / (1 - BETA1 ** step);
  // The bias correction moves from the moments into rate and epsilon, which is the same update in fewer ops.
  const epsilon = EPSILON * Math.sqrt(1 - BETA2 ** step);
  const first = mapValues(state.first, (m, name) =>
    tf.tidy(() => tf.add(tf.mul(m, BETA1), tf.mul(gradients[name], 1 - BETA1))),
  );
  const second = mapValues(state.second, (v, name) =>
    tf.tidy(() => tf.add(tf.mul(v, BETA2), tf.mul(tf.square(gradients[name]), 1 - BETA2))),
  );
  const updated = mapValues(parameters, (p, name) =>
    tf.tidy(() => tf.sub(p, tf.mul(tf.div(first[name], tf.add(tf.sqrt(second[name]), epsilon)), rate))),
  );
  return { parameters: updated, state: { step, first, second } };
}
