import * as tf from '@tensorflow/tfjs-core';
import { deriveKey } from '../../math/philox.ts';
import type { HeadSpec } from '../../../shared/config.ts';
import type { StageContext } from '../context.ts';
import { batches, everyIndex } from '../imageSet.ts';
import { headLogits } from '../models/head.ts';
import type { Parameters } from '../models/parameters.ts';
import { oneHotLabels } from '../ops/crossEntropy.ts';
import { Passes } from '../passes.ts';
import { takeValues } from '../readBack.ts';
import { boxLoss } from './boxTraining.ts';
import { bankObjective } from './certifiedObjectives.ts';
import { compileNoisy } from './drawBank.ts';
import type { EffectiveDrawBank } from './effectiveDrawBank.ts';
import { firstDraws, type SharedBank } from './headBanks.ts';
import { rowsAt } from './headBatch.ts';
import { cleanRepresentations, type HeadSteps } from './headSteps.ts';
import { lossAndHits, MEASURE_BATCH, type Measurement } from './measure.ts';
import { repeatRows } from './trainingAttack.ts';
import type { Epoch, TrainHeadsInputs } from './trainHeads.ts';

/** What heads that the procedure trains are validated on, [count, D]: clean images, under `gaussian` one noisy draw of each. */
export async function validationRepresentations(
  { extractor, validation, settings, seed, domain }: TrainHeadsInputs,
  steps: HeadSteps,
  context: StageContext,
): Promise<tf.Tensor2D> {
  if (settings.procedure !== 'gaussian') return cleanRepresentations(steps, validation);
  const model = compileNoisy({ extractor, sigma: settings.sigma });
  const passes = new Passes({ rows: MEASURE_BATCH, of: 'validation', release: () => model.dispose() }, context);
  const key = deriveKey(seed, 'head-validation-noise', domain);
  try {
    const values = await model.representations({ set: validation, indices: everyIndex(validation), key, passes });
    return tf.tensor2d(values, [validation.count, values.length / validation.count]);
  } finally {
    model.dispose();
  }
}

/**
 * Loss and accuracy on what the head is validated on; of a head with a draw bank its objective on the first draws of each
 * validation image. In box training the loss is the mixed one, at the width and weight that the ramp ends at.
 */
export async function validateHead(inputs: TrainHeadsInputs, run: Epoch, head: number): Promise<Measurement> {
  const { validation, heads } = inputs;
  const { spec } = heads[head].shape;
  const { parameters } = run.states[head]!;
  const labels = validation.labels(everyIndex(validation));
  const bank = run.banks.ofHead[head];
  const settings = run.bankSettings[head];
  const halfWidth = run.halfWidths[head];
  const measured = { spec, parameters, labels, classes: validation.classes };
  const points =
    bank === null || settings === null
      ? await onRepresentations(measured, run.validation)
      : await onKeptDraws(measured, bank, settings);
  if (spec.boxTraining === undefined || halfWidth === null) return points;
  const centres =
    bank === null || settings === null
      ? run.validation
      : centresOf(bank, { settings, indices: everyIndex(validation) });
  const boxes = tf.tidy(() => {
    const oneHot = oneHotLabels(labels, validation.classes);
    return boxLoss(spec, parameters, { z: centres, labels: oneHot, halfWidth: tf.tensor1d(halfWidth) });
  });
  if (centres !== run.validation) centres.dispose();
  const { weight } = spec.boxTraining;
  return { ...points, loss: (1 - weight) * points.loss + weight * (await takeValues(boxes))[0] };
}

function centresOf(
  bank: SharedBank,
  { settings, indices }: { readonly settings: EffectiveDrawBank; readonly indices: Int32Array },
): tf.Tensor2D {
  const { dimension } = bank.validation;
  const rows = rowsAt(bank.centres('validation', settings.draws), indices, dimension);
  return tf.tensor2d(rows, [indices.length, dimension]);
}

interface Measured {
  readonly spec: HeadSpec;
  readonly parameters: Parameters;
  readonly labels: Int32Array;
  /** K */
  readonly classes: number;
}

async function onRepresentations({ spec, parameters, labels }: Measured, z: tf.Tensor2D): Promise<Measurement> {
  const logits = headLogits(spec, parameters, z);
  const sums = await lossAndHits(logits, labels, spec.temperature);
  logits.dispose();
  return { loss: sums.loss / labels.length, accuracy: sums.hits / labels.length };
}

async function onKeptDraws(
  { spec, parameters, labels, classes }: Measured,
  { validation }: SharedBank,
  settings: EffectiveDrawBank,
): Promise<Measurement> {
  const { drawsPerStep: rows } = settings;
  const draws = firstDraws(rows);
  let lossSum = 0;
  let hits = 0;
  for (const indices of batches(firstDraws(validation.count), MEASURE_BATCH)) {
    const part = labels.subarray(indices[0], indices[0] + indices.length);
    const values = validation.rows(indices, draws);
    const [loss, correct] = await takeValues(
      tf.tidy(() => {
        const z = tf.tensor2d(values, [indices.length * rows, validation.dimension]);
        const logits = tf.mul<tf.Tensor2D>(headLogits(spec, parameters, z), spec.temperature);
        const oneHot = oneHotLabels(part, classes);
        const predicted = tf.oneHot(tf.argMax(logits, 1), classes);
        const right = tf.sum(tf.mul(predicted, repeatRows(oneHot, rows)));
        return tf.stack([bankObjective(settings, { logits, labels: oneHot, rows }), right]);
      }),
    );
    lossSum += loss * indices.length;
    hits += correct;
  }
  return { loss: lossSum / labels.length, accuracy: hits / (labels.length * rows) };
}
