import * as tf from '@tensorflow/tfjs-core';
import type { TrainingSettings } from '../../../shared/config.ts';
import { withoutPrefix, withPrefix } from '../models/arrays.ts';
import { headLogits, isIterate, projectHead } from '../models/head.ts';
import type { HeadShape } from '../models/headShape.ts';
import type { Parameters } from '../models/parameters.ts';
import { extract, extractTraining, isRunningStatistic } from '../models/wideResNet.ts';
import type { WideResNet } from '../models/wideResNetShape.ts';
import { BATCH_NORM_MOMENTUM, type BatchStatistics } from '../ops/batchNorm.ts';
import { crossEntropy } from '../ops/crossEntropy.ts';
import type { NoiseSource } from '../ops/standardNormal.ts';
import { adamUpdate, type AdamRates } from './adam.ts';
import { perturbForTraining } from './perturbations.ts';

/** Prefixes of the parameters of the two parts of the model that is trained. */
export const EXTRACTOR = 'extractor.';
export const HEAD = 'head.';

/** What a training step of any model reads and gives besides its batch. */
export interface TrainedTensors {
  readonly parameters: Parameters;
  /** Adam's moments of the trained parameters. */
  readonly first: Parameters;
  readonly second: Parameters;
}

export type StepResult = TrainedTensors & { readonly loss: tf.Tensor };

export interface ExtractorStepInputs extends TrainedTensors, AdamRates, NoiseSource {
  /** [N, H, W, C], normalised */
  readonly images: tf.Tensor4D;
  /** [N, K], one-hot */
  readonly labels: tf.Tensor2D;
}

export interface ExtractorStepSettings {
  readonly net: WideResNet;
  readonly head: HeadShape;
  readonly settings: TrainingSettings;
}

/** The parameters that have gradients: all but the running statistics and the iterates of constraints. */
export function trainable(parameters: Parameters): Parameters {
  return Object.fromEntries(
    Object.entries(parameters).filter(([name]) => !isRunningStatistic(name) && !isIterate(name)),
  );
}

/**
 * One step of extractor and head together: perturbation, loss, gradients, Adam, the head's constraint and the running
 * statistics. A pure function of tensors, for `compile`.
 */
export function extractorStep(
  { net, head: { spec }, settings }: ExtractorStepSettings,
  { parameters, first, second, images, labels, rate, epsilon, ...noise }: ExtractorStepInputs,
): StepResult {
  const trained = trainable(parameters);
  const statistics: Record<string, tf.Tensor> = {};
  const keep = (name: string, { mean, variance }: BatchStatistics): void => {
    statistics[`${EXTRACTOR}${name}.mean`] = mean;
    statistics[`${EXTRACTOR}${name}.variance`] = variance;
  };
  try {
    const perturbed = perturbForTraining(images, settings, noise);
    const { loss, gradients } = lossAndGradients(trained, (tensors) => {
      const z = extractTraining(net, { parameters: withoutPrefix(tensors, EXTRACTOR), images: perturbed }, keep);
      return crossEntropy(tf.mul(headLogits(spec, withoutPrefix(tensors, HEAD), z), spec.temperature), labels);
    });
    const updated = adamUpdate(trained, gradients, { first, second, rate, epsilon });
    const projected = projectHead(withoutPrefix({ ...parameters, ...updated.parameters }, HEAD), spec);
    const running = updateRunningStatistics(parameters, statistics);
    return { ...updated, parameters: { ...updated.parameters, ...withPrefix(projected, HEAD), ...running }, loss };
  } finally {
    tf.dispose(Object.values(statistics));
  }
}

/** A scalar loss and its gradient by each parameter. */
export function lossAndGradients(
  parameters: Parameters,
  loss: (parameters: Parameters) => tf.Scalar,
): { loss: tf.Tensor; gradients: Parameters } {
  const names = Object.keys(parameters);
  const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) =>
    loss(Object.fromEntries(names.map((name, i) => [name, tensors[i]]))),
  )(names.map((name) => parameters[name]));
  return { loss: value, gradients: Object.fromEntries(names.map((name, i) => [name, grads[i]])) };
}

function updateRunningStatistics(parameters: Parameters, batch: Parameters): Parameters {
  return Object.fromEntries(
    Object.entries(batch).map(([name, statistic]) => [
      name,
      tf.tidy(() => tf.add(tf.mul(parameters[name], BATCH_NORM_MOMENTUM), tf.mul(statistic, 1 - BATCH_NORM_MOMENTUM))),
    ]),
  );
}

export interface ValidationInputs {
  /** Of the frozen extractor, and of the head in its training form: inputs, since they change between validations. */
  readonly extractor: Parameters;
  readonly head: Parameters;
  readonly images: tf.Tensor4D;
}

/** Logits [N, K] in inference mode, for `compile`. */
export function validationStep(
  { net, head: { spec } }: ExtractorStepSettings,
  { extractor, head, images }: ValidationInputs,
): { logits: tf.Tensor2D } {
  return { logits: headLogits(spec, head, extract({ net, parameters: extractor }, images)) };
}
