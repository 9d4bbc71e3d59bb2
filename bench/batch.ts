import { prepareTransfer } from '../src/main/data/transfer.ts';
import { WIDE_RES_NETS } from '../src/main/engine/models/wideResNetShape.ts';
import { deriveKey, fillStandardNormal } from '../src/main/math/philox.ts';
import { encodeSafetensors } from '../src/main/engine/weights/safetensors.ts';
import { transferSpecOf } from '../src/main/workbench/runInProgress.ts';
import type { Experiment } from './experiment.ts';
import type { ReferenceSettings } from './reference/client.ts';
import { LEARNING_RATE, PGD, RELATIVE_STEP, trainingArrays, type BatchInputs } from './works/steps.ts';

/** Rows of a step's batch, as in training. */
export const BATCH = 64;

/** The first `rows` target instances of an experiment as a batch, with a perturbation well inside the ball of PGD. */
export function batchOf({ config, extractor, heads, instances }: Experiment, rows: number): BatchInputs {
  const { test } = prepareTransfer(transferSpecOf(config)).target;
  const { height, width, channels } = test.shape;
  const chosen = instances.subarray(0, rows);
  const delta = new Float32Array(rows * height * width * channels);
  fillStandardNormal(delta, deriveKey(config.seed, 'bench-perturbation'), 0);
  const scale = PGD.epsilon / 2 / Math.sqrt(height * width * channels);
  return {
    net: WIDE_RES_NETS[config.extractor.preset],
    extractor,
    head: heads[0].weights,
    images: test.images(chosen),
    shape: [rows, height, width, channels],
    delta: delta.map((value) => value * scale),
    labels: test.labels(chosen),
  };
}

/** The batch as the reference reads it. */
export function referenceFile(batch: BatchInputs): Uint8Array {
  const { images, shape, delta, labels } = batch;
  return encodeSafetensors({
    ...trainingArrays(batch),
    images: { shape, data: images },
    delta: { shape: [shape[0], delta.length / shape[0]], data: delta },
    labels: { shape: [labels.length], data: Float32Array.from(labels) },
  });
}

export function referenceSettings({ config: { certification } }: Experiment, batch: BatchInputs): ReferenceSettings {
  const { sigma, alpha, draws, selectionDraws } = certification;
  return {
    net: batch.net,
    classes: batch.head.layers[0].outputs,
    learningRate: LEARNING_RATE,
    epsilon: PGD.epsilon,
    relativeStep: RELATIVE_STEP,
    certification: { sigma, alpha, draws, selectionDraws, batch: 100 },
  };
}
