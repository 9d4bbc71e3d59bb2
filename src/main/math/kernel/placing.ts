import type { DenseHead, DenseLayerWeights } from '../head.ts';
import { groupSortStages } from '../linearBounds/sortingNetwork.ts';
import { kernel, room } from './memory.ts';

/** Where a layer's weights lie in the kernel's memory, row by row and in panels. */
export interface PlacedLayer {
  readonly weight: number;
  readonly panels: number;
}

/** Weights and heads stay in the memory from call to call, by identity, since they are never written to. Once they take more bytes than this, all make room for the next. */
const MOST_BYTES = 2 ** 25;

/** Where the first one lies; null while there is none. */
let base: number | null = null;
let layers = new WeakMap<Float32Array, PlacedLayer>();
let heads = new WeakMap<DenseHead, number>();

/** Not while room is lent. */
export function placeLayer(layer: DenseLayerWeights): PlacedLayer {
  const known = layers.get(layer.weight);
  if (known !== undefined) return known;
  makeRoom();
  return newLayer(layer);
}

/** The head's address. Not while room is lent. */
export function placeHead(head: DenseHead): number {
  const known = heads.get(head);
  if (known !== undefined) return known;
  makeRoom();
  const at = newHead(head);
  heads.set(head, at);
  return at;
}

function makeRoom(): void {
  const top = kernel().reserve(0);
  base ??= top;
  if (top - base <= MOST_BYTES) return;
  kernel().release(base);
  layers = new WeakMap();
  heads = new WeakMap();
}

function newLayer({ weight, outputs, inputs }: DenseLayerWeights): PlacedLayer {
  const { pack, panelsOf } = kernel();
  const placed = { weight: room.doubles(weight), panels: room.doubles(panelsOf(outputs, inputs)) };
  pack(placed.weight, outputs, inputs, placed.panels);
  layers.set(weight, placed);
  return placed;
}

/** Dense layers with GroupSort between them as stages of comparators. */
function newHead({ layers: all, groupSize }: DenseHead): number {
  const steps = all.flatMap((layer, i) => {
    const { weight, panels } = layers.get(layer.weight) ?? newLayer(layer);
    const bias = room.doubles(layer.bias);
    const dense = (head: number, at: number): void =>
      kernel().denseStep(head, at, layer.inputs, layer.outputs, weight, panels, bias);
    const stages = i === all.length - 1 ? [] : groupSortStages(layer.outputs, groupSize);
    const comparators = stages.map(({ low, high }) => {
      const pairs = [room.words(low), room.words(high)] as const;
      return (head: number, at: number): void => kernel().compareStep(head, at, layer.outputs, low.length, ...pairs);
    });
    return [dense, ...comparators];
  });
  const head = kernel().newHead(steps.length);
  steps.forEach((tell, at) => tell(head, at));
  kernel().lastLevel(head, all.at(-1)!.outputs);
  return head;
}
