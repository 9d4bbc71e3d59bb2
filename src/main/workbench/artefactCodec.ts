import { z } from 'zod';
import { constraintSchema } from '../../shared/config.ts';
import type { HeadWeights } from '../../shared/results.ts';
import type { NamedArray, NamedArrays } from '../engine/models/arrays.ts';
import { withoutPrefix, withPrefix } from '../engine/models/arrays.ts';
import type { Checkpoint } from '../engine/training/checkpoint.ts';
import { decodeSafetensors, encodeSafetensors, WeightsError } from '../engine/weights/safetensors.ts';

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

const headFactsSchema = z.object({
  constraint: constraintSchema,
  bound: z.number(),
  groupSize: z.int().positive(),
  layers: z.int().positive(),
});

/** @throws WeightsError where facts and arrays are not those of a head */
function headFrom(arrays: NamedArrays, metadata: Readonly<Record<string, string>>): HeadWeights {
  const { layers, ...rest } = factsIn(metadata, 'head', headFactsSchema);
  // Arrays are counted first: a file may claim any number of layers.
  if (2 * layers !== Object.keys(arrays).length) {
    throw new WeightsError(`a head of ${layers} layers comes with ${Object.keys(arrays).length} arrays`);
  }
  return { ...rest, layers: Array.from({ length: layers }, (_, i) => layerFrom(arrays, i + 1)) };
}

function layerFrom(arrays: NamedArrays, number: number): HeadWeights['layers'][number] {
  const part = (name: string): NamedArray => {
    const at = `layer${number}.${name}`;
    if (!Object.hasOwn(arrays, at)) throw new WeightsError(`there is no array "${at}"`);
    return arrays[at];
  };
  const [weight, bias] = [part('weight'), part('bias')];
  const [outputs, inputs] = weight.shape;
  if (weight.shape.length !== 2 || bias.shape.length !== 1 || bias.shape[0] !== outputs) {
    throw new WeightsError(
      `layer ${number} has weights [${weight.shape.join(', ')}] and biases [${bias.shape.join(', ')}]`,
    );
  }
  return { inputs, outputs, weight: weight.data, bias: bias.data };
}

/** A JSON text of the metadata. @throws WeightsError where it is none or not of the schema */
function factsIn<T>(metadata: Readonly<Record<string, string>>, name: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(Object.hasOwn(metadata, name) ? metadata[name] : ''));
  } catch {
    throw new WeightsError(`the metadata "${name}" are not those of this program`);
  }
}

export function encodeHead(head: HeadWeights): Uint8Array {
  return encodeSafetensors(headArrays(head), { head: headFacts(head) });
}

export function decodeHead(bytes: Uint8Array): HeadWeights {
  const { arrays, metadata } = decodeSafetensors(bytes);
  return headFrom(arrays, metadata);
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
    head: headFrom(withoutPrefix(arrays, 'head.'), metadata),
  };
}

export function encodeCheckpoint({ arrays, ...progress }: Checkpoint): Uint8Array {
  return encodeSafetensors(arrays, { progress: JSON.stringify(progress) });
}

export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const { arrays, metadata } = decodeSafetensors(bytes);
  return { ...(factsIn(metadata, 'progress', z.looseObject({})) as unknown as Omit<Checkpoint, 'arrays'>), arrays };
}
