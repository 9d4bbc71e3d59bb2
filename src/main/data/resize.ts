import type { ImageShape } from './catalogue.ts';

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/**
 * Area-average resize of images [n, H, W, C] to [n, H', W', C] (METHOD.md §5): each new pixel is the mean of the area it
 * covers, old pixels counting by their share of it. The mean of an image is kept, and so is the identity, value for value.
 * Shares are counted in integers (an old pixel is H' units high, a new one H), so whole ratios are exact up to one
 * rounding to float32.
 * @throws RangeError for lengths that do not fit the shape or a size that is no positive integer: our bug.
 */
export function resizeArea(images: Float32Array | Uint8Array, from: ImageShape, to: ImageSize): Float32Array {
  const size = from.height * from.width * from.channels;
  const whole = [from.height, from.width, from.channels, to.height, to.width].every(
    (n) => Number.isInteger(n) && n > 0,
  );
  if (!whole || images.length % size !== 0) {
    throw new RangeError(
      `internal: resizing images: got ${images.length} values of ${from.height}×${from.width}×${from.channels} ` +
        `to ${to.height}×${to.width}, expected whole images and positive sizes`,
    );
  }
  if (from.height === to.height && from.width === to.width) return Float32Array.from(images);
  const count = images.length / size;
  // Rows first ([n, H, W·C] along H), then columns ([n·H', W, C] along W).
  const rows = sumAlong(images, { outer: count, inner: from.width * from.channels, from: from.height, to: to.height });
  const sums = sumAlong(rows, { outer: count * to.height, inner: from.channels, from: from.width, to: to.width });
  const area = from.height * from.width;
  return Float32Array.from(sums, (sum) => sum / area);
}

interface Axis {
  /** Product of the dimensions before and behind the axis. */
  readonly outer: number;
  readonly inner: number;
  readonly from: number;
  readonly to: number;
}

/** [outer, from, inner] → [outer, to, inner]: sums weighted by overlap; the weights of a new element add up to `from`. */
function sumAlong(values: ArrayLike<number>, { outer, inner, from, to }: Axis): Float64Array {
  const out = new Float64Array(outer * to * inner);
  for (let target = 0; target < to; target++) {
    const start = target * from;
    const end = start + from;
    for (let source = Math.floor(start / to); source * to < end; source++) {
      const overlap = Math.min(end, (source + 1) * to) - Math.max(start, source * to);
      for (let o = 0; o < outer; o++) {
        const read = (o * from + source) * inner;
        const write = (o * to + target) * inner;
        for (let i = 0; i < inner; i++) out[write + i] += overlap * values[read + i];
      }
    }
  }
  return out;
}
