import type { HeadSpec } from '../../../shared/config.ts';

/** Sizes of a head: D inputs, hidden layers, K logits. */
export interface HeadShape {
  readonly spec: HeadSpec;
  readonly inputs: number;
  readonly classes: number;
}

/** Default width of hidden layers: 256 for D ≥ 256, else D rounded up to a multiple of the group size (METHOD.md §1). */
export function hiddenWidth({ spec, inputs }: Omit<HeadShape, 'classes'>): number {
  return spec.hiddenWidth ?? (inputs >= 256 ? 256 : Math.ceil(inputs / spec.groupSize) * spec.groupSize);
}

/** Inputs and outputs of each layer, from the representation to the logits. */
export function layerSizes(shape: HeadShape): { inputs: number; outputs: number }[] {
  const widths = [shape.inputs, ...Array<number>(shape.spec.layers - 1).fill(hiddenWidth(shape)), shape.classes];
  return widths.slice(1).map((outputs, i) => ({ inputs: widths[i], outputs }));
}

/** Of the parameters of a layer: "layer1". */
export const layerName = (index: number): string => `layer${index + 1}`;
