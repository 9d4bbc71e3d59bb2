import type { NamedArrays } from '../../../src/main/engine/models/arrays.ts';
import { deriveKey, fillStandardNormal } from '../../../src/main/math/philox.ts';

/** A feature map in float64, [height, width, channels]. */
interface FeatureMap {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly values: Float64Array;
}

export type Blocks = readonly { readonly name: string; readonly stride: number }[];

/** The blocks of a net of one block a stage. */
export const ONE_BLOCK_A_STAGE: Blocks = [
  { name: 'stage1.block1', stride: 1 },
  { name: 'stage2.block1', stride: 2 },
  { name: 'stage3.block1', stride: 2 },
];

/**
 * The extractor of METHOD.md §1 on one image, written down again in float64 with loops: no folding, no tensors.
 * @returns [D]
 */
export function referenceExtract(arrays: NamedArrays, image: FeatureMap, blocks: Blocks): Float64Array {
  const conv = (x: FeatureMap, name: string, stride: number): FeatureMap => convolve(x, arrays[name], stride);
  let x = conv(image, 'stem.weight', 1);
  for (const { name, stride } of blocks) {
    const active = normRelu(x, arrays, `${name}.norm1`);
    const projection = `${name}.projection.weight`;
    const shortcut = projection in arrays ? conv(active, projection, stride) : x;
    const inner = normRelu(conv(active, `${name}.conv1.weight`, stride), arrays, `${name}.norm2`);
    const residual = conv(inner, `${name}.conv2.weight`, 1);
    x = { ...residual, values: residual.values.map((v, i) => v + shortcut.values[i]) };
  }
  return averaged(normRelu(x, arrays, 'norm'));
}

/** TensorFlow's `same`: half of the padding before, the odd one after. */
function convolve(
  x: FeatureMap,
  { shape, data }: { shape: readonly number[]; data: Float32Array },
  stride: number,
): FeatureMap {
  const [kernel, , inputs, outputs] = shape;
  const height = Math.ceil(x.height / stride);
  const width = Math.ceil(x.width / stride);
  const before = (size: number, out: number): number => Math.floor(Math.max(0, (out - 1) * stride + kernel - size) / 2);
  const [top, left] = [before(x.height, height), before(x.width, width)];
  const values = new Float64Array(height * width * outputs);
  for (let i = 0; i < height; i++)
    for (let j = 0; j < width; j++)
      for (let p = 0; p < kernel; p++)
        for (let q = 0; q < kernel; q++) {
          const [row, column] = [i * stride + p - top, j * stride + q - left];
          if (row < 0 || row >= x.height || column < 0 || column >= x.width) continue;
          for (let a = 0; a < inputs; a++) {
            const value = x.values[(row * x.width + column) * inputs + a];
            for (let b = 0; b < outputs; b++)
              values[(i * width + j) * outputs + b] += value * data[((p * kernel + q) * inputs + a) * outputs + b];
          }
        }
  return { height, width, channels: outputs, values };
}

function normRelu(x: FeatureMap, arrays: NamedArrays, name: string): FeatureMap {
  const read = (part: string, i: number): number => arrays[`${name}.${part}`].data[i % x.channels];
  const values = x.values.map((v, i) => {
    const normalised = (v - read('mean', i)) / Math.sqrt(read('variance', i) + 1e-5);
    return Math.max(0, normalised * read('scale', i) + read('offset', i));
  });
  return { ...x, values };
}

function averaged({ height, width, channels, values }: FeatureMap): Float64Array {
  const sums = new Float64Array(channels);
  values.forEach((v, i) => (sums[i % channels] += v / (height * width)));
  return sums;
}

/** The same weights with scales, offsets and running statistics that training could have left, all different. */
export function withTrainedNorms(arrays: NamedArrays): NamedArrays {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => {
      const normals = new Float32Array(data.length);
      fillStandardNormal(normals, deriveKey(9, 'trained-norms', name), 0);
      const part = name.split('.').at(-1)!;
      const trained: Record<string, (normal: number) => number> = {
        scale: (normal) => 1 + 0.3 * normal,
        offset: (normal) => 0.2 * normal,
        mean: (normal) => 0.5 * normal,
        variance: (normal) => Math.exp(normal),
      };
      return [name, { shape, data: part in trained ? normals.map(trained[part]) : data }];
    }),
  );
}
