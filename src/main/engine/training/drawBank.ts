import * as tf from '@tensorflow/tfjs-core';
import type { DrawBank as DrawBankSettings } from '../../../shared/config.ts';
import type { DomainImages } from '../../data/transfer.ts';
import type { RepresentationCache } from '../../data/representationCache.ts';
import { compile } from '../compile/compile.ts';
import type { StageContext } from '../context.ts';
import { everyIndex, imagesOfPass } from '../imageSet.ts';
import { extract, type FrozenExtractor } from '../models/wideResNet.ts';
import { representationSize } from '../models/wideResNetShape.ts';
import { noiseSource, type NoiseSource, type PhiloxKey } from '../ops/standardNormal.ts';
import { Passes } from '../passes.ts';
import { identityOf } from './bankIdentity.ts';
import { bankKey, type DrawKeyOf } from './bankKey.ts';
import { keptRows, type KeptRows } from './keptRows.ts';
import { withGaussianNoise } from './perturbations.ts';

export interface BankRequest extends DrawKeyOf {
  readonly extractor: FrozenExtractor;
  readonly set: DomainImages;
  /** Positions in the set; by default all. */
  readonly indices?: Int32Array;
  /** m */
  readonly draws: number;
  readonly sigma: number;
  readonly precision: DrawBankSettings['precision'];
  /** Null keeps nothing beyond the training. */
  readonly cache: RepresentationCache | null;
  /** Bytes that a bank may hold in memory; a larger one is read from disk as it is used. */
  readonly memory: number;
}

/** Representations of m noisy draws of every image of a set (METHOD.md §2, `drawBank`). */
export interface DrawBank {
  /** Images. */
  readonly count: number;
  /** m */
  readonly draws: number;
  /** D */
  readonly dimension: number;
  /** Whether it is read from disk as it is used. */
  readonly isStreamed: boolean;
  /** Of images by position, the given draws of each, [N·r, D]; rows of an image are neighbours, in the order of `draws`. */
  rows(positions: Int32Array, draws: Int32Array): Float32Array<ArrayBuffer>;
  dispose(): void;
}

/** Images of a pass. */
const BANK_BATCH = 128;

/** Draws that are neither in the cache nor computed before go through the extractor once. */
export async function drawBank(request: BankRequest, context: StageContext): Promise<DrawBank> {
  const { extractor, set, draws, indices = everyIndex(set), precision } = request;
  const dimension = representationSize(extractor.net);
  const shape = { count: indices.length, dimension, precision };
  const bytes = draws * shape.count * dimension * BYTES[precision];
  const isStreamed = bytes > request.memory;
  const identity = await identityOf({ ...request, indices });
  const model = compileNoisy(request);
  const passes = new Passes({ rows: BANK_BATCH, of: 'kept draws', release: () => model.dispose() }, context);
  const kept: KeptRows[] = [];
  try {
    for (let draw = 0; draw < draws; draw++) {
      const compute = () => model.representations({ set, indices, key: bankKey(request, draw), passes });
      kept.push(await keptRows({ shape, name: identity(draw), cache: request.cache, isStreamed, compute }));
      context.progress(draw + 1, draws);
    }
  } catch (error) {
    for (const one of kept) one.dispose();
    throw error;
  } finally {
    model.dispose();
  }
  return {
    count: shape.count,
    draws,
    dimension,
    isStreamed,
    rows: (positions, chosen) => rowsOf(kept, { positions, chosen, dimension }),
    dispose: () => kept.forEach((one) => one.dispose()),
  };
}

export const BYTES = { float32: 4, float16: 2 } as const;

function rowsOf(
  kept: readonly KeptRows[],
  of: { readonly positions: Int32Array; readonly chosen: Int32Array; readonly dimension: number },
): Float32Array<ArrayBuffer> {
  const { positions, chosen, dimension } = of;
  const rows = new Float32Array(positions.length * chosen.length * dimension);
  chosen.forEach((draw, place) => {
    positions.forEach((position, i) => kept[draw].read(position, rows, (i * chosen.length + place) * dimension));
  });
  return rows;
}

interface NoisyRepresentations {
  /** [indices, D] of one draw of each image. */
  representations(of: {
    readonly set: DomainImages;
    readonly indices: Int32Array;
    readonly key: PhiloxKey;
    readonly passes: Passes;
  }): Promise<Float32Array>;
  dispose(): void;
}

export function compileNoisy({ extractor, sigma }: Pick<BankRequest, 'extractor' | 'sigma'>): NoisyRepresentations {
  const step = compile(
    ({ images, ...source }: NoiseSource & { images: tf.Tensor4D }) => ({
      representations: extract(extractor, withGaussianNoise(images, sigma, source)),
    }),
    { precision: extractor.precision },
  );
  return {
    async representations({ set, indices, key, passes }) {
      const { height, width, channels } = set.shape;
      const size = height * width * channels;
      const { values } = await passes.gather(indices.length, (pass) => {
        const source = noiseSource({ key, first: pass.first, size });
        return step.run({ images: imagesOfPass(set, indices, pass), ...source }).representations;
      });
      return values;
    },
    dispose: () => step.dispose(),
  };
}
