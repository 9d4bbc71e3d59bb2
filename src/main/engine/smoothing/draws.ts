import * as tf from '@tensorflow/tfjs-core';
import { fillLatticeDraws } from '../../math/lattice/latticeNormal.ts';
import { deriveKey } from '../../math/philox.ts';
import type { CertificationSettings, Domain } from '../../../shared/config.ts';
import { compile, type CompiledStep, type CompileStatus } from '../compile/compile.ts';
import { mapValues } from '../models/arrays.ts';
import { classify, type FrozenHead } from '../models/head.ts';
import { extract, type FrozenExtractor } from '../models/wideResNet.ts';
import type { Pass, Passes } from '../passes.ts';
import { nativeBackend } from '../ops/native.ts';
import { fillDraws, noiseSource, standardNormal, type FirstDraw, type PhiloxKey } from '../ops/standardNormal.ts';

/** Draws in one pass of the extractor: fixed, since rounding in a convolution may depend on the batch size. */
export const DRAWS_BATCH = 100;

/** What is added to an image: σ·η in float32, or η rounded to the lattice (METHOD.md §4). */
export type SmoothingNoise = Pick<CertificationSettings, 'sigma' | 'noise'>;

interface NoisyBatch extends Pick<InstanceDraws, 'image' | 'key'> {
  /** Index of the first draw. */
  readonly first: number;
}

/** What the draws of one pass come to, [rows, …], the caller's. */
export interface NoisyOutputs {
  /** [rows, D] */
  readonly representations: tf.Tensor2D;
  /** By head, [rows, K]. */
  readonly logits: Readonly<Record<string, tf.Tensor2D>>;
}

/** From an image and a place in the stream of noise to the representations and logits of the draws from there on. */
export interface NoisyModel {
  /** A graph holds one number of rows: another one replaces it. */
  run(batch: NoisyBatch, rows: number): NoisyOutputs;
  /** Frees the graph. A later run makes a new one. */
  dispose(): void;
  status(): CompileStatus;
}

/**
 * Draws, extractor and heads as one step. Their weights become constants of it; what the noise depends on is an input. A head's
 * logits do not depend on the heads beside it, which share nothing but the representations.
 */
export function compileNoisyModel(
  { extractor, heads }: { extractor: FrozenExtractor; heads: Readonly<Record<string, FrozenHead>> },
  smoothing: SmoothingNoise,
): NoisyModel {
  const noise = smoothing.noise === 'lattice' ? latticeNoise(smoothing.sigma) : float32Noise(smoothing.sigma);
  const compileFor = (count: number): CompiledStep<Tensors, NoisyOutputs> =>
    compile(
      ({ image, ...drawn }: Tensors) => {
        const images = noise.add(image as tf.Tensor3D, drawn, count);
        const representations = extract(extractor, images);
        return { representations, logits: mapValues(heads, (head) => classify(head, representations)) };
      },
      { precision: extractor.precision },
    );
  let compiled = { rows: DRAWS_BATCH, step: compileFor(DRAWS_BATCH) };
  return {
    run({ image, key, first }, rows) {
      if (rows !== compiled.rows) {
        compiled.step.dispose();
        compiled = { rows, step: compileFor(rows) };
      }
      const drawn = noise.draw({ key, first, size: image.size, rows });
      try {
        return compiled.step.run({ image, ...drawn });
      } finally {
        tf.dispose(drawn);
      }
    },
    dispose: () => compiled.step.dispose(),
    status: () => compiled.step.status(),
  };
}

type Tensors = Record<string, tf.Tensor>;

interface NoiseOfPass extends FirstDraw {
  readonly rows: number;
}

/** Noise in two parts: what is made on the host for each pass, and what the compiled step does with it. */
interface Noise {
  /** The caller's. */
  draw(pass: NoiseOfPass): Tensors;
  /** [count, H, W, C] */
  add(image: tf.Tensor3D, drawn: Tensors, count: number): tf.Tensor4D;
}

const float32Noise = (sigma: number): Noise =>
  nativeBackend()?.isUsingGpuDevice === true ? deviceNoise(sigma) : normalsOfHost(sigma);

/** A GPU draws for itself, without a copy from the host: the step is given a place in the stream. */
const deviceNoise = (sigma: number): Noise => ({
  draw: (pass) => ({ ...noiseSource(pass) }),
  add: (image, { key, counter }, count) =>
    tf.tidy(() => noisyImages(image, { sigma, normals: standardNormal({ key, counter }, [count, image.size]) })),
});

/**
 * The host draws, and the step is given what it drew.
 * @param fill with draws of `size` values, [rows, size]
 */
function hostNoise(
  fill: (out: Float32Array, draws: FirstDraw) => void,
  add: (image: tf.Tensor3D, drawn: tf.Tensor2D) => tf.Tensor4D,
): Noise {
  // Written anew for each pass: a step has read its inputs, or copied them to a device, when it returns.
  let values = new Float32Array(0);
  return {
    draw({ rows, ...draws }) {
      if (values.length !== rows * draws.size) values = new Float32Array(rows * draws.size);
      fill(values, draws);
      return { drawn: tf.tensor2d(values, [rows, draws.size]) };
    },
    add: (image, { drawn }) => add(image, drawn as tf.Tensor2D),
  };
}

/** In a quarter of the time of TensorFlow's op on the same processor (decision 25). */
const normalsOfHost = (sigma: number): Noise =>
  hostNoise(fillDraws, (image, normals) => noisyImages(image, { sigma, normals }));

/** No device has the exact distribution: the step is given whole numbers of δ, and its sums are exact. */
const latticeNoise = (sigma: number): Noise =>
  hostNoise(
    (out, draws) => fillLatticeDraws(out, { ...draws, sigma }),
    (image, noise) => tf.tidy(() => addToImage(image, noise)),
  );

/** Keys of an instance's two independent sets of draws: one chooses the class, the other tests it. */
export function drawKeys(
  seed: number,
  domain: Domain,
  datasetIndex: number,
): { selection: PhiloxKey; estimation: PhiloxKey } {
  return {
    selection: deriveKey(seed, 'selection-draws', domain, datasetIndex),
    estimation: deriveKey(seed, 'estimation-draws', domain, datasetIndex),
  };
}

/**
 * x + σ·η, [count, H, W, C] (METHOD.md §4).
 * @param image [H, W, C]
 * @property normals η, [count, H·W·C]
 */
export function noisyImages(
  image: tf.Tensor3D,
  { sigma, normals }: { sigma: number; normals: tf.Tensor2D },
): tf.Tensor4D {
  return tf.tidy(() => addToImage(image, tf.mul(normals, sigma)));
}

/** @param noise [count, H·W·C] */
const addToImage = (image: tf.Tensor3D, noise: tf.Tensor2D): tf.Tensor4D =>
  tf.add(tf.reshape(noise, [noise.shape[0], ...image.shape]), image);

export interface InstanceDraws {
  /** [H, W, C], normalised */
  readonly image: tf.Tensor3D;
  readonly count: number;
  readonly key: PhiloxKey;
}

/**
 * Gives what the draws come to pass by pass to whoever reads it back; no more than a pass is on the device at a time. A
 * pass that is not full is drawn in full all the same: a draw's bits do not depend on how many are asked for.
 */
export function eachPassOfDraws(
  { model, passes }: { readonly model: NoisyModel; readonly passes: Passes },
  { image, count, key }: InstanceDraws,
  read: (drawn: NoisyOutputs, pass: Pass) => Promise<void>,
): Promise<void> {
  return passes.over(count, async (pass) => {
    const drawn = model.run({ image, key, first: pass.first }, pass.rows);
    try {
      await read(drawn, pass);
    } finally {
      tf.dispose([drawn.representations, ...Object.values(drawn.logits)]);
    }
  });
}
