import type { DomainImages } from '../../src/main/data/transfer.ts';
import { deriveKey, fillStandardNormal } from '../../src/main/math/philox.ts';

/** Images of `classes` Gaussian blobs, easy to tell apart: a set small enough for a test. */
export function toySet(count: number, { size = 8, classes = 3, seed = 1 } = {}): DomainImages {
  const pixels = size * size;
  const centres = new Float32Array(classes * pixels);
  fillStandardNormal(centres, deriveKey(1, 'toy-centres'), 0);
  const noise = new Float32Array(count * pixels);
  fillStandardNormal(noise, deriveKey(seed, 'toy-noise'), 0);
  const label = (i: number): number => i % classes;
  return {
    count,
    shape: { height: size, width: size, channels: 1 },
    classes,
    images: (indices) =>
      Float32Array.from({ length: indices.length * pixels }, (_, at) => {
        const i = indices[Math.floor(at / pixels)];
        const pixel = at % pixels;
        return centres[label(i) * pixels + pixel] + 0.7 * noise[i * pixels + pixel];
      }),
    labels: (indices) => indices.map(label),
  };
}
