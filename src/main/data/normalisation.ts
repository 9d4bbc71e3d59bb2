import type { RadiusNormalised, RadiusPixels } from '../../shared/results.ts';
import type { ImageShape } from './catalogue.ts';
import { DataError } from './dataError.ts';

/** Images of one part of a set. */
export interface ImageArray {
  readonly shape: ImageShape;
  /** [N, H, W, C], intensities 0 … 255 */
  readonly images: Uint8Array;
}

/** Per-channel statistics of training images, in pixel units: intensities in [0, 1]. */
export interface ChannelStatistics {
  /** [C] */
  readonly mean: Float64Array;
  /** [C] population standard deviation, over all pixels of all images; every one is positive. */
  readonly deviation: Float64Array;
}

const LEVELS = 256;
const WHITE = 255;

/**
 * Mean and standard deviation of each channel over the images at `indices` (METHOD.md §5: those of the source's training
 * split normalise both domains). Sums are exact integers, so neither order nor batch size matters; each result is
 * rounded only on the way to float64.
 * @throws DataError for no images, or a channel of one single value, which cannot be scaled.
 */
export function channelStatistics({ images, shape }: ImageArray, indices: Int32Array): ChannelStatistics {
  const { channels } = shape;
  const histogram = Array.from({ length: channels }, () => new Float64Array(LEVELS));
  const size = shape.height * shape.width * channels;
  for (const index of indices) {
    checkIndex(index, images.length / size);
    for (let i = 0; i < size; i++) histogram[i % channels][images[index * size + i]]++;
  }
  const moments = histogram.map(momentsOf);
  const flat = moments.findIndex(({ deviation }) => !(deviation > 0));
  if (flat !== -1) {
    throw new DataError({
      operation: `measuring ${indices.length} training images`,
      quantity: `standard deviation of channel ${flat}`,
      got: indices.length === 0 ? 'none, there are no images' : 0,
      expected: 'a positive number',
      cure: 'train on images that differ, or raise trainingInstances',
    });
  }
  return {
    mean: Float64Array.from(moments, ({ mean }) => mean),
    deviation: Float64Array.from(moments, ({ deviation }) => deviation),
  };
}

/** Moments of intensity/255 from how often each intensity occurs, [256]. */
function momentsOf(histogram: Float64Array): { mean: number; deviation: number } {
  let count = 0n;
  let sum = 0n;
  let squares = 0n;
  histogram.forEach((times, level) => {
    count += BigInt(times);
    sum += BigInt(times) * BigInt(level);
    squares += BigInt(times) * BigInt(level * level);
  });
  if (count === 0n) return { mean: Number.NaN, deviation: Number.NaN };
  // Variance is (count·Σv² − (Σv)²)/count²: the difference is taken in integers, where nothing cancels.
  const spread = Number(count * squares - sum * sum);
  return { mean: Number(sum) / (Number(count) * WHITE), deviation: Math.sqrt(spread) / (Number(count) * WHITE) };
}

/**
 * The images at `indices` in normalised units, (v/255 − mean)/deviation of their channel: [n, H, W, C].
 * @throws RangeError for an index outside the set, which can only be our bug.
 */
export function normalise({ images, shape }: ImageArray, indices: Int32Array, stats: ChannelStatistics): Float32Array {
  const { channels } = shape;
  if (stats.mean.length !== channels) {
    throw new RangeError(`internal: normalising images: channels: got ${stats.mean.length}, expected ${channels}`);
  }
  const size = shape.height * shape.width * channels;
  // A value for each intensity and channel: [256, C].
  const table = Float32Array.from({ length: LEVELS * channels }, (_, i) => {
    const channel = i % channels;
    return ((i - channel) / channels / WHITE - stats.mean[channel]) / stats.deviation[channel];
  });
  const out = new Float32Array(indices.length * size);
  indices.forEach((index, n) => {
    checkIndex(index, images.length / size);
    for (let i = 0; i < size; i++) out[n * size + i] = table[images[index * size + i] * channels + (i % channels)]!;
  });
  return out;
}

/** @throws RangeError */
export function checkIndex(index: number, count: number): void {
  if (index >= 0 && index < count) return;
  throw new RangeError(`internal: reading images: index: got ${index}, expected 0 to ${count - 1}`);
}

/** More than the rounding of two products takes away, so that an error can only cost radius. */
const ROUNDED_DOWN = 1 - 2 ** -51;

/**
 * The L2 radius in pixel units (intensities in [0, 1]) that a radius in normalised units is worth (METHOD.md §3, §4).
 * A perturbation δ in pixel units has normalised norm ‖δ/deviation‖₂ ≤ ‖δ‖₂/min deviation, so every δ within the returned
 * radius lies within the normalised one. Exact for one channel; with several, the largest ball inside the ellipsoid.
 * Where the target was resized, the pixels are those of the resized image.
 */
export function radiusPixelsFrom(
  radiusNormalised: RadiusNormalised,
  { deviation }: Pick<ChannelStatistics, 'deviation'>,
): RadiusPixels {
  return radiusNormalised * Math.min(...deviation) * ROUNDED_DOWN;
}
