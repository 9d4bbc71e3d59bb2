import { BATCH_NORM_EPSILON } from '../ops/batchNormEpsilon.ts';
import type { NamedArray, NamedArrays } from './arrays.ts';
import { blocksOf, needsProjection, type WideResNet } from './wideResNetShape.ts';

/**
 * Folds batch norm for inference, in float64 on the host: x·gain + shift goes into the convolutions that make x, whose
 * weights are scaled and one of which gets a bias, wherever nothing else reads x. Where something does, which is an
 * identity shortcut, or where x itself came over one, gain and shift stay.
 * @returns "<convolution>.weight" [kernel, kernel, inputs, outputs], for some "<convolution>.bias" [outputs], and where a norm
 *   stays "<norm>.gain" and "<norm>.shift", each [C]
 */
export function foldBatchNorms(net: WideResNet, trained: NamedArrays): NamedArrays {
  const blocks = blocksOf(net);
  const folded: Record<string, NamedArray> = {};
  const keep = (norm: string): void => {
    const { gain, shift } = gainAndShift(trained, norm);
    folded[`${norm}.gain`] = vector(gain);
    folded[`${norm}.shift`] = vector(shift);
  };
  /** The norm that the sum after block `index` (−1: the stem) goes through next, and whether only that reads the sum. */
  const next = (index: number): { norm: string; alone: boolean } =>
    index + 1 < blocks.length
      ? { norm: `${blocks[index + 1].name}.norm1`, alone: needsProjection(blocks[index + 1]) }
      : { norm: 'norm', alone: true };
  const foldSum = (index: number, convolutions: readonly string[], hasIdentity: boolean): void => {
    const { norm, alone } = next(index);
    const foldable = alone && !hasIdentity;
    Object.assign(folded, foldInto(trained, convolutions, foldable ? norm : null));
    if (!foldable) keep(norm);
  };
  foldSum(-1, ['stem'], false);
  blocks.forEach((block, index) => {
    Object.assign(folded, foldInto(trained, [`${block.name}.conv1`], `${block.name}.norm2`));
    const projects = needsProjection(block);
    const shortcut = projects ? [`${block.name}.projection`] : [];
    foldSum(index, [`${block.name}.conv2`, ...shortcut], !projects);
  });
  return folded;
}

/** The norm after the sum of these convolutions, the first of which takes the bias; without a norm they stay as they are. */
function foldInto(trained: NamedArrays, convolutions: readonly string[], norm: string | null): NamedArrays {
  const affine = norm === null ? null : gainAndShift(trained, norm);
  const folded: Record<string, NamedArray> = {};
  for (const name of convolutions) {
    const { shape, data } = trained[`${name}.weight`];
    const outputs = shape[3];
    // The output channel is the last axis, so element i belongs to channel i mod outputs.
    const scaled = affine === null ? data : data.map((v, i) => v * affine.gain[i % outputs]);
    folded[`${name}.weight`] = { shape, data: scaled };
  }
  if (affine !== null) folded[`${convolutions[0]}.bias`] = vector(affine.shift);
  return folded;
}

const vector = (values: Float64Array): NamedArray => ({ shape: [values.length], data: Float32Array.from(values) });

/** A batch norm by its running statistics: x·gain + shift, each [C]. */
function gainAndShift(trained: NamedArrays, norm: string): { gain: Float64Array; shift: Float64Array } {
  const read = (part: string): Float32Array => trained[`${norm}.${part}`].data;
  const gain = Float64Array.from(read('scale'), (s, i) => s / Math.sqrt(read('variance')[i] + BATCH_NORM_EPSILON));
  const shift = Float64Array.from(read('offset'), (o, i) => o - read('mean')[i] * gain[i]);
  return { gain, shift };
}
