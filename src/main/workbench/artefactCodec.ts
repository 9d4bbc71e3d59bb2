import type { HeadWeights } from '../../shared/results.ts';
import type { NamedArray, NamedArrays } from '../engine/models/arrays.ts';
import { withoutPrefix, withPrefix } from '../engine/models/arrays.ts';
import type { Checkpoint } from '../engine/training/checkpoint.ts';
import { decodeSafetensors, encodeSafetensors } from '../engine/weights/safetensors.ts';

/** What stages keep as safetensors files: heads, extractors with the head they were trained under, checkpoints. */

interface HeadFacts {
  readonly constraint: HeadWeights['constraint'];
  readonly bound: number;
  readonly groupSize: number;
  readonly layers: number;
}

export function headArrays({ layers }: HeadWeights): NamedArrays {
  const arrays: Record<string, NamedArray> = {};
  layers.forEach(({ inputs, outputs, weight, bias }, i) => {
    arrays[`layer${i + 1}.weight`] = { shape: [outputs, inputs], data: weight };
    arrays[`layer${i + 1}.bias`] = { shape: [outputs], data: bias };
  });
  return arrays;
}

export function headFacts({ constraint, bound, groupSize, layers }: HeadWeights): string {
  return JSON.stringify({ constraint, bound, groupSize, layers: layers.length } satisfies HeadFacts);
}

function headFrom(arrays: NamedArrays, facts: string): HeadWeights {
  const { layers, ...rest } = JSON.parse(facts) as HeadFacts;
  return {
    ...rest,
    layers: Array.from({ length: layers }, (_, i) => {
      const weight = arrays[`layer${i + 1}.weight`];
      const [outputs, inputs] = weight.shape as readonly [number, number];
      return { inputs, outputs, weight: weight.data, bias: arrays[`layer${i + 1}.bias`].data };
    }),
  };
}

export function encodeHead(head: HeadWeights): Uint8Array {
  return encodeSafetensors(headArrays(head), { head: headFacts(head) });
}

export function decodeHead(bytes: Uint8Array): HeadWeights {
  const { arrays, metadata } = decodeSafetensors(bytes);
  return headFrom(arrays, metadata['head']);
}

export interface TrainedExtractor {
  readonly extractor: NamedArrays;
  readonly head: HeadWeights;
}

export function encodeExtractor({ extractor, head }: TrainedExtractor): Uint8Array {
  const arrays = { ...withPrefix(extractor, 'extractor.'), ...withPrefix(headArrays(head), 'head.') };
  return encodeSafetensors(arrays, { head: headFacts(head) });
}

export function decodeExtractor(bytes: Uint8Array): TrainedExtractor {
  const { arrays, metadata } = decodeSafetensors(bytes);
  return {
    extractor: withoutPrefix(arrays, 'extractor.'),
    head: headFrom(withoutPrefix(arrays, 'head.'), metadata['head']),
  };
}

export function encodeCheckpoint({ arrays, ...progress }: Checkpoint): Uint8Array {
  return encodeSafetensors(arrays, { progress: JSON.stringify(progress) });
}

export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const { arrays, metadata } = decodeSafetensors(bytes);
  return { ...(JSON.parse(metadata['progress']) as Omit<Checkpoint, 'arrays'>), arrays };
}
