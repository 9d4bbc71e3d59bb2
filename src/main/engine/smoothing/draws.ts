import * as tf from '@tensorflow/tfjs-core';
import { deriveKey } from '../../math/philox.ts';
import type { Domain } from '../../../shared/config.ts';
import type { StageContext } from '../context.ts';
import { inParts } from '../inParts.ts';
import { extract, type FrozenExtractor } from '../models/wideResNet.ts';
import { standardNormal, type PhiloxKey } from '../ops/standardNormal.ts';

/** Draws in one pass of the extractor: fixed, since rounding in a convolution may depend on the batch size. */
export const DRAWS_BATCH = 100;

export interface InstanceDraws {
  readonly extractor: FrozenExtractor;
  /** [H, W, C], normalised */
  readonly image: tf.Tensor3D;
  readonly sigma: number;
  readonly count: number;
  readonly key: PhiloxKey;
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

/** x + σ·η for draws [first, first + count), [count, H, W, C] (METHOD.md §4). */
export function noisyImages(
  { image, sigma, key }: Pick<InstanceDraws, 'image' | 'sigma' | 'key'>,
  first: number,
  count: number,
): tf.Tensor4D {
  return tf.tidy(() => {
    const noise = tf.mul(standardNormal({ key, first, count, size: image.size }), sigma);
    return tf.add(tf.reshape(noise, [count, ...image.shape]), image);
  });
}

/** Representations of the draws, [count, D]: what every head and every method reads. */
export function noisyRepresentations(draws: InstanceDraws, context: StageContext): Promise<tf.Tensor2D> {
  const firsts = Array.from({ length: Math.ceil(draws.count / DRAWS_BATCH) }, (_, batch) => batch * DRAWS_BATCH);
  const representations = (first: number): tf.Tensor2D =>
    extract(draws.extractor, noisyImages(draws, first, Math.min(DRAWS_BATCH, draws.count - first)));
  return inParts(firsts, representations, context);
}

/** Each coordinate's draws ascending: [D, n] from [n, D]. */
export function sortedColumns(draws: tf.Tensor2D): Float32Array {
  const [count] = draws.shape;
  const columns = tf.tidy(() => Float32Array.from(tf.transpose(draws).dataSync()));
  for (let start = 0; start < columns.length; start += count) columns.subarray(start, start + count).sort();
  return columns;
}
