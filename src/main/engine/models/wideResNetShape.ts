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
