import * as tf from '@tensorflow/tfjs-core';
import { deriveKey } from '../../math/philox.ts';
import type { StageContext } from '../context.ts';
import type { HeadSpec } from '../../../shared/config.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { compile, type CompiledStep } from '../compile/compile.ts';
import { everyIndex, imagesOfPass } from '../imageSet.ts';
import { headLogits, projectHead } from '../models/head.ts';
import type { HeadShape } from '../models/headShape.ts';
import type { Parameters } from '../models/parameters.ts';
import { extract } from '../models/wideResNet.ts';
import { oneHotLabels } from '../ops/crossEntropy.ts';
import { noiseSource, type NoiseSource } from '../ops/standardNormal.ts';
import { Passes, type Pass } from '../passes.ts';
import { compileRepresentations, type RepresentationStep } from '../representations.ts';
import { adamUpdate, type AdamRates } from './adam.ts';
import { boxLoss, mixedLoss } from './boxTraining.ts';
import { bankObjective } from './certifiedObjectives.ts';
import type { EffectiveDrawBank } from './effectiveDrawBank.ts';
import { isAttacked, rowsPerImage, type AttackedTraining, type EffectiveTraining } from './effectiveTraining.ts';
import { lossAndGradients, trainable, type StepResult, type TrainedTensors } from './extractorStep.ts';
import { effectiveBanks } from './headBanks.ts';
import { perturbForTraining } from './perturbations.ts';
import { attackedInputs, normalsPerImage, repeatRows } from './trainingAttack.ts';
import type { TrainHeadsInputs } from './trainHeads.ts';
import { trainingLoss } from './trainingLoss.ts';

const REPRESENTATION_BATCH = 128;

export interface HeadStepInputs extends TrainedTensors, AdamRates {
  /** [N·m, D], rows of an image neighbours */
  readonly z: tf.Tensor2D;
  /** [N, K], one-hot */
  readonly labels: tf.Tensor2D;
  /**
   * What else the loss reads: `clean` [N, D] under `adv-d`; in box training `halfWidth` [D] and `boxShare`, a scalar, and on kept draws
   * `centre` [N, D].
   */
  readonly given: Readonly<Record<string, tf.Tensor>>;
}
export type HeadStep = CompiledStep<HeadStepInputs, StepResult>;

interface PerturbedInputs extends NoiseSource {
  readonly images: tf.Tensor4D;
}
type PerturbedStep = CompiledStep<PerturbedInputs, { readonly representations: tf.Tensor2D }>;

interface AttackInputs extends PerturbedInputs {
  readonly labels: tf.Tensor2D;
  /** Of the head under attack. */
  readonly parameters: Parameters;
}
type AttackStep = CompiledStep<AttackInputs, { readonly representations: tf.Tensor2D }>;

export interface HeadSteps {
  readonly clean: RepresentationStep;
  readonly cleanPasses: Passes;
  readonly perturbed: PerturbedStep;
  readonly perturbedPasses: Passes;
  /** One a head, since a graph for all would tie a head's rounding to its company. */
  readonly heads: readonly HeadStep[];
  /** One a head, each against its own; empty where the procedure has no attack. */
  readonly attacks: readonly AttackStep[];
  readonly attackPasses: Passes;
}

export function compileHeadSteps(inputs: TrainHeadsInputs, context: StageContext): HeadSteps {
  const { extractor, heads, settings } = inputs;
  const clean = compileRepresentations(extractor);
  const perturbed = compilePerturbed(inputs);
  const banks = effectiveBanks(inputs);
  const attacks = isAttacked(settings) ? heads.map(({ shape }) => compileAttack(inputs, shape, settings)) : [];
  const passesOf = (rows: number, of: string, steps: readonly { dispose(): void }[]): Passes =>
    new Passes({ rows, of, release: () => steps.forEach((step) => step.dispose()) }, context);
  return {
    clean,
    cleanPasses: passesOf(REPRESENTATION_BATCH, 'representations', [clean]),
    perturbed,
    perturbedPasses: passesOf(settings.batchSize, 'representations', [perturbed]),
    heads: heads.map(({ shape: { spec } }, head) =>
      compile((given: HeadStepInputs) => headStep({ spec, settings, bank: banks[head] }, given)),
    ),
    attacks,
    attackPasses: passesOf(settings.batchSize, 'representations under attack', attacks),
  };
}

export function disposeHeadSteps({ clean, perturbed, heads, attacks }: HeadSteps): void {
  for (const step of [clean, perturbed, ...heads, ...attacks]) step.dispose();
}

interface HeadLoss {
  readonly spec: HeadSpec;
  readonly settings: EffectiveTraining;
  /** Null for a head that the procedure trains. */
  readonly bank: EffectiveDrawBank | null;
}

function headStep(of: HeadLoss, { parameters, z, labels, given, ...adam }: HeadStepInputs): StepResult {
  const { spec } = of;
  const trained = trainable(parameters);
  const { loss, gradients } = lossAndGradients(trained, (tensors) => {
    const ofPoints = pointLoss(of, { parameters: tensors, z, labels, given });
    if (spec.boxTraining === undefined) return ofPoints;
    const boxes =
      of.bank === null
        ? { z, labels: repeatRows(labels, rowsPerImage(of.settings)) }
        : { z: given['centre'] as tf.Tensor2D, labels };
    return mixedLoss(ofPoints, boxLoss(spec, tensors, { ...boxes, halfWidth: given['halfWidth'] }), given['boxShare']);
  });
  const updated = adamUpdate(trained, gradients, adam);
  return { ...updated, parameters: projectHead({ ...parameters, ...updated.parameters }, spec), loss };
}

/** What the procedure, or the bank's objective, makes of the points, boxes aside. */
function pointLoss(
  { spec, settings, bank }: HeadLoss,
  { parameters, z, labels, given }: Pick<HeadStepInputs, 'parameters' | 'z' | 'labels' | 'given'>,
): tf.Scalar {
  const logits = tf.mul<tf.Tensor2D>(headLogits(spec, parameters, z), spec.temperature);
  if (bank !== null) return bankObjective(bank, { logits, labels, rows: bank.drawsPerStep });
  const clean = 'clean' in given ? (given['clean'] as tf.Tensor2D) : null;
  return trainingLoss(settings, { logits, labels, perturbed: z, clean });
}

/** Inputs that every head sees alike, under `noise` and `gaussian`: what the extractor makes of them, [N, m·D]. */
function compilePerturbed({ extractor, settings }: TrainHeadsInputs): PerturbedStep {
  return compile(
    ({ images, ...source }: PerturbedInputs) => {
      if (isAttacked(settings)) throw new Error('internal: an attack is on one head');
      const rows = extract(extractor, perturbForTraining(images, settings, source));
      return { representations: tf.reshape(rows, [images.shape[0], rows.size / images.shape[0]]) };
    },
    { precision: extractor.precision },
  );
}

/** The attack through frozen extractor and one head, whose weights are inputs, and what the extractor makes of it: [N, m·D]. */
function compileAttack(
  { extractor }: TrainHeadsInputs,
  { spec, inputs: size }: HeadShape,
  settings: AttackedTraining,
): AttackStep {
  return compile(
    ({ images, labels, parameters, ...source }: AttackInputs) => {
      const logits = (x: tf.Tensor4D): tf.Tensor2D =>
        tf.mul(headLogits(spec, parameters, extract(extractor, x)), spec.temperature);
      const attacked = attackedInputs({ images, labels }, { settings, source, logits });
      const width = rowsPerImage(settings) * size;
      return { representations: tf.reshape(extract(extractor, attacked), [images.shape[0], width]) };
    },
    { precision: extractor.precision },
  );
}

/** Representations [count, D] of clean images, on the device. */
export async function cleanRepresentations({ clean, cleanPasses }: HeadSteps, set: DomainImages): Promise<tf.Tensor2D> {
  const indices = everyIndex(set);
  const { values, size } = await cleanPasses.gather(set.count, (pass) => {
    return clean.run({ images: imagesOfPass(set, indices, pass) }).representations;
  });
  return tf.tensor2d(values, [set.count, size]);
}

export interface StepPlace {
  readonly indices: Int32Array;
  readonly epoch: number;
  readonly step: number;
}

/** Representations of a batch's noisy images, [N·m, D]. */
export async function perturbedRepresentations(
  inputs: TrainHeadsInputs,
  { perturbed, perturbedPasses }: HeadSteps,
  place: StepPlace,
): Promise<tf.Tensor2D> {
  const { indices } = place;
  const { values, size } = await perturbedPasses.gather(indices.length, (pass) => {
    const images = imagesOfPass(inputs.training, indices, pass);
    return perturbed.run({ images, ...noiseOfPass(inputs, place, pass) }).representations;
  });
  const rows = rowsPerImage(inputs.settings);
  return tf.tensor2d(values, [indices.length * rows, size / rows]);
}

/** Representations of a batch's images as the attack on one head leaves them, [N·m, D]. */
export async function attackedRepresentations(
  inputs: TrainHeadsInputs,
  { attacks, attackPasses }: HeadSteps,
  { head, parameters, ...place }: StepPlace & { readonly head: number; readonly parameters: Parameters },
): Promise<tf.Tensor2D> {
  const { training, settings } = inputs;
  const { indices } = place;
  const { values, size } = await attackPasses.gather(indices.length, (pass) => {
    const images = imagesOfPass(training, indices, pass);
    const part = training.labels(indices.subarray(pass.first, pass.first + pass.count));
    const labels = tf.pad(oneHotLabels(part, training.classes), [
      [0, pass.rows - pass.count],
      [0, 0],
    ]);
    return attacks[head].run({ images, labels, parameters, ...noiseOfPass(inputs, place, pass) }).representations;
  });
  const rows = rowsPerImage(settings);
  return tf.tensor2d(values, [indices.length * rows, size / rows]);
}

/** The draws of an image are those of its row in the batch, whatever rows are in its pass. */
function noiseOfPass(
  { training, settings, seed, domain }: TrainHeadsInputs,
  place: StepPlace,
  pass: Pass,
): NoiseSource {
  const { height, width, channels } = training.shape;
  const key = deriveKey(seed, 'head-noise', domain, place.epoch, place.step);
  return noiseSource({ key, first: pass.first, size: normalsPerImage(settings, height * width * channels) });
}
