import * as tf from '@tensorflow/tfjs-core';
import { deriveKey } from '../../math/philox.ts';
import type { Domain } from '../../../shared/config.ts';
import type { StageContext } from '../context.ts';
import { compile, type CompiledStep } from '../compile/compile.ts';
import { withoutPadding } from '../imageSet.ts';
import { inParts } from '../inParts.ts';
import { extract, type FrozenExtractor } from '../models/wideResNet.ts';
import { takeValues } from '../readBack.ts';
import { noiseSource, standardNormal, type NoiseSource, type PhiloxKey } from '../ops/standardNormal.ts';

/** Draws in one pass of the extractor: fixed, since rounding in a convolution may depend on the batch size. */
export const DRAWS_BATCH = 100;

export interface InstanceDraws {
  /** [H, W, C], normalised */
  readonly image: tf.Tensor3D;
  readonly count: number;
  readonly key: PhiloxKey;
}

interface NoisyBatchInputs extends NoiseSource {
  readonly image: tf.Tensor;
}

/** From an image and a place in the stream of noise to the representations of DRAWS_BATCH draws, [DRAWS_BATCH, D]. */
export type NoisyExtractor = CompiledStep<NoisyBatchInputs, { readonly representations: tf.Tensor2D }>;

/** The extractor's weights become constants of the compiled step; its key and counter are inputs. */
export function compileNoisyExtractor(extractor: FrozenExtractor, sigma: number): NoisyExtractor {
  const step = ({ image, key, counter }: NoisyBatchInputs) => {
    const images = noisyImages(image as tf.Tensor3D, { sigma, source: { key, counter }, count: DRAWS_BATCH });
    return { representations: extract(extractor, images) };
  };
  return compile(step, { precision: extractor.precision });
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

/** Representations of the draws, [count, D]: what every head and every method reads. */
export function noisyRepresentations(
  extractor: NoisyExtractor,
  { image, count, key }: InstanceDraws,
  context: StageContext,
): Promise<tf.Tensor2D> {
  const firsts = Array.from({ length: Math.ceil(count / DRAWS_BATCH) }, (_, batch) => batch * DRAWS_BATCH);
  // A last part that is not full is drawn in full all the same: a draw's bits do not depend on how many are asked for.
  const representations = (first: number): tf.Tensor2D => {
    const source = noiseSource({ key, first, size: image.size });
    return withoutPadding(extractor.run({ image, ...source }).representations, Math.min(DRAWS_BATCH, count - first));
  };
  return inParts(firsts, representations, context);
}

/** Each coordinate's draws ascending: [D, n] from [n, D]. */
export async function sortedColumns(draws: tf.Tensor2D): Promise<Float32Array> {
  const [count] = draws.shape;
  const columns = await takeValues(tf.transpose(draws));
  for (let start = 0; start < columns.length; start += count) columns.subarray(start, start + count).sort();
  return columns;
}
