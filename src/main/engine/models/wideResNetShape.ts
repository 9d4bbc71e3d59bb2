import type { ExtractorPreset } from '../../../shared/config.ts';

/** A pre-activation WideResNet (Zagoruyko & Komodakis 2017; METHOD.md §1). */
export interface WideResNet {
  /** Residual blocks of each of the three stages. */
  readonly blocks: readonly [number, number, number];
  readonly width: number;
}

export const WIDE_RES_NETS: Readonly<Record<ExtractorPreset, WideResNet>> = {
  'wrn-10-1': { blocks: [1, 1, 1], width: 1 },
  'wrn-10-2': { blocks: [1, 1, 1], width: 2 },
  'wrn-16-4': { blocks: [2, 2, 2], width: 4 },
  'wrn-28-10': { blocks: [4, 4, 4], width: 10 },
  // The paper's 32 convolutions: 1 stem, 28 in blocks, 3 projections.
  'wrn-32-10': { blocks: [5, 5, 4], width: 10 },
};

/** D, the length of a representation. */
export function representationSize({ width }: WideResNet): number {
  return 64 * width;
}

export const STEM_CHANNELS = 16;
const STAGE_STRIDES = [1, 2, 2] as const;

/** One residual block; its names in a weights file begin with its own. */
export interface Block {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: 1 | 2;
}

export function blocksOf({ blocks, width }: WideResNet): Block[] {
  let inputs = STEM_CHANNELS;
  return blocks.flatMap((count, stage) =>
    Array.from({ length: count }, (_, index) => {
      const outputs = STEM_CHANNELS * 2 ** stage * width;
      const block: Block = {
        name: `stage${stage + 1}.block${index + 1}`,
        inputs,
        outputs,
        stride: index === 0 ? STAGE_STRIDES[stage] : 1,
      };
      inputs = outputs;
      return block;
    }),
  );
}

/** Whether its shortcut is a 1×1 convolution and not the identity. */
export const needsProjection = ({ inputs, outputs, stride }: Block): boolean => inputs !== outputs || stride !== 1;
