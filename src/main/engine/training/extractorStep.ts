import * as tf from '@tensorflow/tfjs-core';
import { withoutPrefix, withPrefix } from '../models/arrays.ts';
import { headLogits, isIterate, projectHead } from '../models/head.ts';
import type { HeadShape } from '../models/headShape.ts';
import type { Parameters } from '../models/parameters.ts';
import { extract, extractTraining, inferenceParameters, isRunningStatistic } from '../models/wideResNet.ts';
import type { WideResNet } from '../models/wideResNetShape.ts';
import { BATCH_NORM_MOMENTUM, type BatchStatistics } from '../ops/batchNorm.ts';
import type { NoiseSource } from '../ops/standardNormal.ts';
import { adamUpdate, type AdamRates } from './adam.ts';
import { isAttacked, type EffectiveTraining } from './effectiveTraining.ts';
import { perturbForTraining, withGaussianNoise } from './perturbations.ts';
import { trainingLoss } from './trainingLoss.ts';
import { attackedInputs, type TrainingAttack } from './trainingAttack.ts';

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
  readonly settings: EffectiveTraining;
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
export function extractorStep(step: ExtractorStepSettings, inputs: ExtractorStepInputs): StepResult {
  const { net, head } = step;
  const { parameters, first, second, rate, epsilon } = inputs;
  const trained = trainable(parameters);
  const statistics: Record<string, tf.Tensor> = {};
  const keep = (name: string, { mean, variance }: BatchStatistics): void => {
    statistics[`${EXTRACTOR}${name}.mean`] = mean;
    statistics[`${EXTRACTOR}${name}.variance`] = variance;
  };
  try {
    const images = trainedOn(step, inputs);
    const { loss, gradients } = lossAndGradients(trained, (tensors) => {
      const z = extractTraining(net, { parameters: withoutPrefix(tensors, EXTRACTOR), images }, keep);
      return lossOfRepresentations(step, { z, head: withoutPrefix(tensors, HEAD), labels: inputs.labels });
    });
    const updated = adamUpdate(trained, gradients, { first, second, rate, epsilon });
    const projected = projectHead(withoutPrefix({ ...parameters, ...updated.parameters }, HEAD), head.spec);
    const running = updateRunningStatistics(parameters, statistics);
    return { ...updated, parameters: { ...updated.parameters, ...withPrefix(projected, HEAD), ...running }, loss };
  } finally {
    tf.dispose(Object.values(statistics));
  }
}

/**
 * The images that the extractor is run on, [rows, H, W, C]. Under `adv-d` the clean ones follow the perturbed ones, so that both
 * go through batch norm with the same statistics, and the distance between their representations is the perturbation's alone.
 */
function trainedOn(
  { net, head: { spec }, settings }: ExtractorStepSettings,
  { parameters, images, labels, key, counter }: ExtractorStepInputs,
): tf.Tensor4D {
  const source = { key, counter };
  if (!isAttacked(settings)) return perturbForTraining(images, settings, source);
  // In inference mode: no row depends on its company, and running statistics are not touched.
  const extractor = { net, parameters: inferenceParameters(withoutPrefix(parameters, EXTRACTOR)) };
  const head = withoutPrefix(parameters, HEAD);
  const logits: TrainingAttack['logits'] = (x) =>
    tf.mul(headLogits(spec, head, extract(extractor, x)), spec.temperature);
  const attacked = attackedInputs({ images, labels }, { settings, source, logits });
  return settings.procedure === 'adv-d' ? tf.concat([attacked, images]) : attacked;
}

function lossOfRepresentations(
  { head: { spec }, settings }: ExtractorStepSettings,
  { z, head, labels }: { z: tf.Tensor2D; head: Parameters; labels: tf.Tensor2D },
): tf.Scalar {
  const [perturbed, clean] = settings.procedure === 'adv-d' ? tf.split<tf.Tensor2D>(z, 2) : [z, null];
  const logits = tf.mul<tf.Tensor2D>(headLogits(spec, head, perturbed), spec.temperature);
  return trainingLoss(settings, { logits, labels, perturbed, clean });
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

export interface ValidationInputs extends NoiseSource {
  /** Of the frozen extractor, and of the head in its training form: inputs, since they change between validations. */
  readonly extractor: Parameters;
  readonly head: Parameters;
  readonly images: tf.Tensor4D;
}

/** Logits [N, K] in inference mode, under `gaussian` of noisy images, for `compile`. */
export function validationStep(
  { net, head: { spec }, settings }: ExtractorStepSettings,
  { extractor, head, images, ...source }: ValidationInputs,
): { logits: tf.Tensor2D } {
  const inputs = settings.procedure === 'gaussian' ? withGaussianNoise(images, settings.sigma, source) : images;
  return { logits: headLogits(spec, head, extract({ net, parameters: extractor }, inputs)) };
}
