import type * as tf from '@tensorflow/tfjs-core';
import { compile, type CompiledStep } from './compile/compile.ts';
import { extract, type FrozenExtractor } from './models/wideResNet.ts';

/** From images, [N, H, W, C] and normalised, to representations, [N, D]. */
export type RepresentationStep = CompiledStep<
  { readonly images: tf.Tensor4D },
  { readonly representations: tf.Tensor2D }
>;

/** The extractor's weights become constants of the step, which computes in the extractor's precision. */
export function compileRepresentations(extractor: FrozenExtractor): RepresentationStep {
  const { precision } = extractor;
  return compile(({ images }: { images: tf.Tensor4D }) => ({ representations: extract(extractor, images) }), {
    precision,
  });
}
