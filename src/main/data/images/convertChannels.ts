import { luma } from '../luma.ts';
import type { DecodedImage } from './imageError.ts';

/** Luma of each pixel, rounded to the nearest level: [n, 3] → [n] (METHOD.md §5). */
export function toGrey(rgb: Uint8Array): Uint8Array {
  const out = new Uint8Array(rgb.length / 3);
  for (let i = 0; i < out.length; i++) {
    out[i] = luma(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]);
  }
  return out;
}

/** The image in grey or RGB, as asked; grey becomes RGB of three equal values. */
export function withChannels(image: DecodedImage, channels: 1 | 3): DecodedImage {
  if (image.channels === channels) return image;
  const { values } = image;
  const converted =
    channels === 1
      ? toGrey(values)
      : Uint8Array.from({ length: 3 * values.length }, (_, i) => values[Math.floor(i / 3)]);
  return { ...image, channels, values: converted };
}
