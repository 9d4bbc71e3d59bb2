import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, shuffledIndices } from '../../math/philox.ts';
import type { TrainingSettings } from '../../../shared/config.ts';
import type { HeadWeights } from '../../../shared/results.ts';
import type { StageContext } from '../context.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { batches, everyIndex, imageTensor } from '../imageSet.ts';
import {
  classify,
  disposeHead,
  finishedHead,
  freezeHead,
  headLogits,
  initialHead,
  projectHead,
} from '../models/head.ts';
import type { HeadShape } from '../models/headShape.ts';
import { withoutPrefix, withPrefix, type NamedArrays } from '../models/arrays.ts';
import { arraysFrom, disposeParameters, parametersFrom, type Parameters } from '../models/parameters.ts';
import { extract, extractTraining, freeze, initialExtractor, isRunningStatistic } from '../models/wideResNet.ts';
import type { WideResNet } from '../models/wideResNetShape.ts';
import { BATCH_NORM_MOMENTUM, type BatchStatistics } from '../ops/batchNorm.ts';
import { crossEntropy, oneHotLabels } from '../ops/crossEntropy.ts';
import { adamUpdate, initialAdam } from './adam.ts';
import { checkpointFrom, restoreCheckpoint, type Checkpoint, type TrainingState } from './checkpoint.ts';
import { exhausted, INITIAL_PATIENCE, observe, validates } from './earlyStopping.ts';
import { measure, type Measurement } from './measure.ts';
import { perturbForTraining } from './perturbations.ts';

const EXTRACTOR = 'extractor.';
const HEAD = 'head.';

export interface EpochReport {
  /** 1-based. */
  readonly epoch: number;
  readonly trainingLoss: number;
  /** Null for an epoch without validation. */
  readonly validation: Measurement | null;
  readonly seconds: number;
}

export interface TrainExtractorInputs {
  readonly net: WideResNet;
  readonly head: HeadShape;
  readonly training: DomainImages;
  readonly validation: DomainImages;
  readonly settings: TrainingSettings;
  readonly seed: number;
  /** Where to go on from; null starts afresh. */
  readonly checkpoint: Checkpoint | null;
}

export interface TrainExtractorContext extends StageContext {
  epoch(report: EpochReport, checkpoint: Checkpoint): void;
}

/**
 * Trains extractor and head together on the source domain (METHOD.md §2): Adam on the cross-entropy of perturbed
 * inputs, validation loss on clean ones, early stopping, best weights restored. Every random choice is keyed by
 * (seed, epoch, step), so a run resumed from a checkpoint is the run it would have been.
 */
export async function trainExtractor(
  inputs: TrainExtractorInputs,
  context: TrainExtractorContext,
): Promise<{ extractor: NamedArrays; head: HeadWeights }> {
  const { settings, seed } = inputs;
  let state = inputs.checkpoint === null ? freshState(inputs) : restoreCheckpoint(inputs.checkpoint);
  const stepsPerEpoch = Math.ceil(inputs.training.count / settings.batchSize);
  try {
    while (!exhausted(state.patience, state.epoch, settings)) {
      const started = performance.now();
      const epoch = state.epoch + 1;
      const order = shuffledIndices(inputs.training.count, deriveKey(seed, 'extractor-order', epoch));
      let lossSum = 0;
      let step = 0;
      for (const indices of batches(order, settings.batchSize)) {
        const { loss, next } = trainingStep(inputs, state, { indices, epoch, step });
        disposeState(state);
        state = next;
        lossSum += loss * indices.length;
        step++;
        context.progress((epoch - 1) * stepsPerEpoch + step, settings.maxEpochs * stepsPerEpoch);
        await context.breathe();
      }
      state = { ...state, epoch };
      let validation: Measurement | null = null;
      if (validates(epoch, settings)) {
        validation = validate(inputs, state.parameters);
        const { patience, improved } = observe(state.patience, epoch, validation.loss);
        state = { ...state, patience, best: improved ? arraysFrom(state.parameters) : state.best };
      }
      const seconds = (performance.now() - started) / 1000;
      const report = { epoch, trainingLoss: lossSum / inputs.training.count, validation, seconds };
      context.epoch(report, checkpointFrom(state));
    }
    return finish(inputs, state);
  } finally {
    disposeState(state);
  }
}

function freshState({ net, head, training, seed }: TrainExtractorInputs): TrainingState {
  const parameters = parametersFrom({
    ...withPrefix(initialExtractor(net, training.shape.channels, seed), EXTRACTOR),
    ...withPrefix(initialHead(head, seed), HEAD),
  });
  return { epoch: 0, parameters, adam: initialAdam(trainable(parameters)), patience: INITIAL_PATIENCE, best: null };
}

function trainable(parameters: Parameters): Parameters {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => !isRunningStatistic(name)));
}

function disposeState({ parameters, adam }: TrainingState): void {
  for (const group of [parameters, adam.first, adam.second]) disposeParameters(group);
}

function trainingStep(
  { net, head, training, settings, seed }: TrainExtractorInputs,
  state: TrainingState,
  at: { indices: Int32Array; epoch: number; step: number },
): { loss: number; next: TrainingState } {
  const trained = trainable(state.parameters);
  const names = Object.keys(trained);
  const statistics: Record<string, tf.Tensor> = {};
  const keep = (name: string, { mean, variance }: BatchStatistics): void => {
    statistics[`${EXTRACTOR}${name}.mean`] = mean;
    statistics[`${EXTRACTOR}${name}.variance`] = variance;
  };
  const key = deriveKey(seed, 'extractor-noise', at.epoch, at.step);
  const { value, grads } = tf.tidy(() => {
    const images = perturbForTraining(imageTensor(training, at.indices), settings, key);
    const labels = oneHotLabels(training.labels(at.indices), training.classes);
    return tf.valueAndGrads((...tensors: tf.Tensor[]) => {
      const parameters = Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
      const z = extractTraining(net, { parameters: withoutPrefix(parameters, EXTRACTOR), images }, keep);
      const logits = headLogits(head.spec, withoutPrefix(parameters, HEAD), z);
      return crossEntropy(tf.mul(logits, head.spec.temperature), labels);
    })(names.map((name) => trained[name]));
  });
  const gradients = Object.fromEntries(names.map((name, i) => [name, grads[i]]));
  const updated = adamUpdate(trained, gradients, { state: state.adam, learningRate: settings.learningRate });
  const projected = projectHead(withoutPrefix(updated.parameters, HEAD), head.spec);
  const running = updateRunningStatistics(state.parameters, statistics);
  const loss = value.dataSync()[0];
  disposeParameters(withoutPrefix(updated.parameters, HEAD));
  tf.dispose([value, grads, Object.values(statistics)]);
  const parameters = { ...updated.parameters, ...withPrefix(projected, HEAD), ...running };
  return { loss, next: { ...state, parameters, adam: updated.state } };
}

function updateRunningStatistics(parameters: Parameters, batch: Parameters): Parameters {
  return Object.fromEntries(
    Object.entries(batch).map(([name, statistic]) => [
      name,
      tf.tidy(() => tf.add(tf.mul(parameters[name], BATCH_NORM_MOMENTUM), tf.mul(statistic, 1 - BATCH_NORM_MOMENTUM))),
    ]),
  );
}

function validate({ net, head, validation }: TrainExtractorInputs, parameters: Parameters): Measurement {
  const frozen = freeze(net, arraysFrom(withoutPrefix(parameters, EXTRACTOR)));
  const frozenHead = freezeHead(finishedHead(head, withoutPrefix(parameters, HEAD)));
  const measurement = measure(validation, everyIndex(validation), {
    temperature: head.spec.temperature,
    logits: (images) => classify(frozenHead, extract(frozen, images)),
  });
  disposeParameters(frozen.parameters);
  disposeHead(frozenHead);
  return measurement;
}

function finish({ head }: TrainExtractorInputs, state: TrainingState): { extractor: NamedArrays; head: HeadWeights } {
  const best = state.best ?? arraysFrom(state.parameters);
  const headParameters = parametersFrom(withoutPrefix(best, HEAD));
  const result = { extractor: withoutPrefix(best, EXTRACTOR), head: finishedHead(head, headParameters) };
  disposeParameters(headParameters);
  return result;
}
