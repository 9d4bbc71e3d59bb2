import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, philox4x32, type PhiloxKey } from '../../math/philox.ts';
import type { Domain, NoiseAttackSettings } from '../../../shared/config.ts';
import type { NoiseAttackRecord } from '../../../shared/results.ts';
import type { StageContext } from '../context.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { compile, type CompiledStep } from '../compile/compile.ts';
import { imageTensor } from '../imageSet.ts';
import { mapValues } from '../models/arrays.ts';
import { classify, type FrozenHead } from '../models/head.ts';
import { extract, type FrozenExtractor } from '../models/wideResNet.ts';
import { noiseSource, standardNormal, type NoiseSource } from '../ops/standardNormal.ts';
import { Passes, type Pass } from '../passes.ts';
import { takeValues, valuesOf } from '../readBack.ts';
import { isRight, normOf } from './outcome.ts';

/** Most draws in a pass of the extractor; always as many, since rounding in a convolution may depend on the batch size. */
const BATCH = 128;

export interface NoiseAttackInputs {
  readonly extractor: FrozenExtractor;
  readonly heads: Readonly<Record<string, FrozenHead>>;
  readonly set: DomainImages;
  /** Which heads each instance is to be attacked under. */
  readonly instances: readonly { readonly datasetIndex: number; readonly heads: readonly string[] }[];
  readonly settings: Pick<NoiseAttackSettings, 'epsilon' | 'draws' | 'shape'>;
  readonly domain: Domain;
  readonly seed: number;
}

/**
 * The noise attack (METHOD.md §3): an instance is robust when the prediction is right on the clean input and at each of
 * `draws` perturbations, uniform on the L2 sphere or in the ball of radius epsilon, in normalised units. All heads read
 * the same perturbed representations. Draws are keyed by (seed, domain, dataset index): an instance's result does not
 * depend on which others, heads or instances, are attacked with it, and fewer draws are the first of more.
 */
export async function noiseAttack(
  inputs: NoiseAttackInputs,
  context: StageContext & { attacked(head: string, record: NoiseAttackRecord): void },
): Promise<void> {
  const { extractor, set, instances, settings } = inputs;
  const step: NoiseStep = compile((tensors) => noiseStep(inputs, tensors), { precision: extractor.precision });
  const rows = Math.min(settings.draws + 1, BATCH);
  const passes = new Passes({ rows, of: 'noise attack', release: () => step.dispose() }, context);
  try {
    for (const [done, { datasetIndex, heads }] of instances.entries()) {
      const [label] = set.labels(Int32Array.of(datasetIndex));
      const broken = await attackInstance(inputs, { step, passes }, { datasetIndex, label, heads });
      for (const head of heads) context.attacked(head, recordOf(datasetIndex, label, broken.get(head) ?? null));
      context.progress(done + 1, instances.length);
    }
  } finally {
    step.dispose();
  }
}

type NoiseStep = CompiledStep<NoiseStepInputs, NoiseStepOutputs>;

interface NoiseStepInputs extends NoiseSource {
  /** [H, W, C] */
  readonly image: tf.Tensor;
  /** L2 norms of the perturbations, [rows, 1] */
  readonly lengths: tf.Tensor2D;
}

interface NoiseStepOutputs {
  /** [rows, size] */
  readonly perturbations: tf.Tensor2D;
  /** By head, [rows, K] */
  readonly logits: Readonly<Record<string, tf.Tensor2D>>;
}

/** Keeps the division finite for a zero row, which no length makes another. */
const SMALLEST_NORM = 1e-30;

/** A normal vector's direction is uniform on the sphere; the weights of extractor and heads become constants. */
function noiseStep(
  { extractor, heads }: Pick<NoiseAttackInputs, 'extractor' | 'heads'>,
  { image, lengths, ...source }: NoiseStepInputs,
): NoiseStepOutputs {
  const [rows] = lengths.shape;
  const normals = standardNormal(source, [rows, image.size]);
  const norms = tf.sqrt(tf.sum(tf.square(normals), 1, true));
  const perturbations: tf.Tensor2D = tf.mul(normals, tf.div(lengths, tf.maximum(norms, SMALLEST_NORM)));
  const images: tf.Tensor4D = tf.add(image, tf.reshape(perturbations, [rows, ...image.shape]));
  const representations = extract(extractor, images);
  return { perturbations, logits: mapValues(heads, (head) => classify(head, representations)) };
}

interface Attacked {
  readonly datasetIndex: number;
  readonly label: number;
  readonly heads: readonly string[];
}

/** The draw that broke an instance under a head first, 0 for none. */
interface Broken {
  readonly draw: number;
  readonly perturbation: Float32Array;
}

async function attackInstance(
  { set, settings, domain, seed }: NoiseAttackInputs,
  { step, passes }: { readonly step: NoiseStep; readonly passes: Passes },
  { datasetIndex, label, heads }: Attacked,
): Promise<ReadonlyMap<string, Broken>> {
  const broken = new Map<string, Broken>();
  const image = tf.tidy(() => tf.squeeze<tf.Tensor3D>(imageTensor(set, Int32Array.of(datasetIndex)), [0]));
  const key = deriveKey(seed, 'noise-attack', domain, datasetIndex);
  const lengthOf = lengths(settings, deriveKey(seed, 'noise-attack-length', domain, datasetIndex), image.size);
  try {
    await passes.over(settings.draws + 1, async (pass) => {
      const standing = heads.filter((head) => !broken.has(head));
      // What is broken stays so: the draws to come are of no use.
      if (standing.length === 0) return;
      const source = noiseSource({ key, first: pass.first, size: image.size });
      const own = { ...source, lengths: lengthsOfPass(pass, lengthOf) };
      let outputs: NoiseStepOutputs | null = null;
      try {
        outputs = step.run({ image, ...own });
        for (const [head, found] of await firstBroken(outputs, { pass, label, heads: standing }))
          broken.set(head, found);
      } finally {
        tf.dispose(Object.values(own));
        if (outputs !== null) tf.dispose([outputs.perturbations, ...Object.values(outputs.logits)]);
      }
    });
  } finally {
    image.dispose();
  }
  return broken;
}

/**
 * Length of each draw: epsilon on the sphere, epsilon·u^(1/size) uniform in the ball. Draw 0 is the clean input.
 * @param size numbers of an image
 */
function lengths(
  { epsilon, shape }: NoiseAttackInputs['settings'],
  key: PhiloxKey,
  size: number,
): (draw: number) => number {
  const words = Uint32Array.from(key);
  const uniform = (draw: number): number => philox4x32(Uint32Array.of(draw, 0, 0, 0), words)[0] / 2 ** 32;
  return (draw) => {
    if (draw === 0) return 0;
    return shape === 'sphere' ? epsilon : epsilon * uniform(draw) ** (1 / size);
  };
}

const lengthsOfPass = ({ first, rows }: Pass, lengthOf: (draw: number) => number): tf.Tensor2D =>
  tf.tensor2d(
    Array.from({ length: rows }, (_, row) => lengthOf(first + row)),
    [rows, 1],
  );

/** Reads a pass back: for each head that it breaks, the first draw that does. */
async function firstBroken(
  { perturbations, logits }: NoiseStepOutputs,
  { pass: { first, count }, label, heads }: Pick<Attacked, 'label' | 'heads'> & { readonly pass: Pass },
): Promise<[string, Broken][]> {
  const broken: [string, Broken][] = [];
  for (const head of heads) {
    const [, classes] = logits[head].shape;
    const values = await valuesOf(logits[head]);
    const rights = Array.from({ length: count }, (_, row) =>
      isRight(values.subarray(row * classes, (row + 1) * classes), label),
    );
    const row = rights.indexOf(false);
    if (row === -1) continue;
    const perturbation = await takeValues(tf.slice(perturbations, [row, 0], [1, perturbations.shape[1]]));
    broken.push([head, { draw: first + row, perturbation }]);
  }
  return broken;
}

function recordOf(datasetIndex: number, label: number, broken: Broken | null): NoiseAttackRecord {
  if (broken === null) {
    return { datasetIndex, label, robust: true, brokenAtDraw: null, perturbationNorm: null, perturbation: null };
  }
  const { draw, perturbation } = broken;
  return {
    datasetIndex,
    label,
    robust: false,
    brokenAtDraw: draw,
    perturbationNorm: normOf(perturbation),
    perturbation: draw === 0 ? null : perturbation,
  };
}
