import * as tf from '@tensorflow/tfjs-core';
import { deriveKey } from '../../math/philox.ts';
import type { Domain } from '../../../shared/config.ts';
import { compile, type CompiledStep, type CompileStatus } from '../compile/compile.ts';
import { mapValues } from '../models/arrays.ts';
import { classify, type FrozenHead } from '../models/head.ts';
import { extract, type FrozenExtractor } from '../models/wideResNet.ts';
import type { Pass, Passes } from '../passes.ts';
import { noiseSource, standardNormal, type NoiseSource, type PhiloxKey } from '../ops/standardNormal.ts';

/** Draws in one pass of the extractor: fixed, since rounding in a convolution may depend on the batch size. */
export const DRAWS_BATCH = 100;

interface NoisyBatchInputs extends NoiseSource {
  readonly image: tf.Tensor;
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
  run(inputs: NoisyBatchInputs, rows: number): NoisyOutputs;
  /** Frees the graph. A later run makes a new one. */
  dispose(): void;
  status(): CompileStatus;
}

/**
 * Draws, extractor and heads as one step. Their weights become constants of it; its key and counter are inputs. A head's
 * logits do not depend on the heads beside it, which share nothing but the representations.
 */
export function compileNoisyModel(
  { extractor, heads }: { extractor: FrozenExtractor; heads: Readonly<Record<string, FrozenHead>> },
  sigma: number,
): NoisyModel {
  const compileFor = (count: number): CompiledStep<NoisyBatchInputs, NoisyOutputs> =>
    compile(
      ({ image, key, counter }: NoisyBatchInputs) => {
        const images = noisyImages(image as tf.Tensor3D, { sigma, source: { key, counter }, count });
        const representations = extract(extractor, images);
        return { representations, logits: mapValues(heads, (head) => classify(head, representations)) };
      },
      { precision: extractor.precision },
    );
  let compiled = { rows: DRAWS_BATCH, step: compileFor(DRAWS_BATCH) };
  return {
    run(inputs, rows) {
      if (rows !== compiled.rows) {
        compiled.step.dispose();
        compiled = { rows, step: compileFor(rows) };
      }
      return compiled.step.run(inputs);
    },
    dispose: () => compiled.step.dispose(),
    status: () => compiled.step.status(),
  };
}

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
 */
export function noisyImages(
  image: tf.Tensor3D,
  { sigma, source, count }: { sigma: number; source: NoiseSource; count: number },
): tf.Tensor4D {
  return tf.tidy(() => {
    const noise = tf.mul(standardNormal(source, [count, image.size]), sigma);
    return tf.add(tf.reshape(noise, [count, ...image.shape]), image);
  });
}

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
    const source = noiseSource({ key, first: pass.first, size: image.size });
    let drawn: NoisyOutputs | null = null;
    try {
      drawn = model.run({ image, ...source }, pass.rows);
      await read(drawn, pass);
    } finally {
      if (drawn !== null) tf.dispose([drawn.representations, ...Object.values(drawn.logits)]);
      tf.dispose([source.key, source.counter]);
    }
  });
}
