import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, fillStandardNormal } from '../../math/philox.ts';
import type { HeadSpec } from '../../../shared/config.ts';
import type { HeadWeights } from '../../../shared/results.ts';
import { layerSizes, type HeadShape } from './headShape.ts';
import { groupSort } from '../ops/groupSort.ts';
import { takeValues, valuesOf } from '../readBack.ts';
import type { NamedArray, NamedArrays } from './arrays.ts';
import type { Parameters } from './parameters.ts';

/** "layer1.direction" [outputs, inputs] and, with a constraint, "layer1.magnitude" [outputs]; "layer1.bias" [outputs]. */
const layerName = (index: number): string => `layer${index + 1}`;

/** Fresh parameters: normal rows of expected norm 1 (He without a gain, since GroupSort keeps the norm), zero biases. */
export function initialHead(shape: HeadShape, seed: number): NamedArrays {
  const arrays: Record<string, NamedArray> = {};
  layerSizes(shape).forEach(({ inputs, outputs }, i) => {
    const data = new Float32Array(outputs * inputs);
    fillStandardNormal(data, deriveKey(seed, 'initial-head', layerName(i)), 0);
    arrays[`${layerName(i)}.direction`] = { shape: [outputs, inputs], data: data.map((v) => v / Math.sqrt(inputs)) };
    if (shape.spec.constraint !== 'none') {
      arrays[`${layerName(i)}.magnitude`] = {
        shape: [outputs],
        data: new Float32Array(outputs).fill(shape.spec.bound),
      };
    }
    arrays[`${layerName(i)}.bias`] = { shape: [outputs], data: new Float32Array(outputs) };
  });
  return arrays;
}

/** W of a layer, [outputs, inputs]: the direction itself, or magnitude · direction / ‖direction‖ by rows. */
function effectiveWeight(parameters: Parameters, layer: string, { constraint }: HeadSpec): tf.Tensor2D {
  const direction = parameters[`${layer}.direction`] as tf.Tensor2D;
  if (constraint === 'none') return direction;
  const norm =
    constraint === 'wn' ? tf.sqrt(tf.sum(tf.square(direction), 1, true)) : tf.sum(tf.abs(direction), 1, true);
  return tf.mul(direction, tf.div(tf.expandDims(parameters[`${layer}.magnitude`], 1), norm));
}

/**
 * The constraint after an update (METHOD.md §1): magnitudes clamped to [−bound, bound]. Directions stay as they are,
 * since only their direction counts. Idempotent. Returns new tensors.
 */
export function projectHead(parameters: Parameters, { constraint, bound }: HeadSpec): Parameters {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, tensor]) => [
      name,
      constraint !== 'none' && name.endsWith('.magnitude') ? tf.clipByValue(tensor, -bound, bound) : tf.clone(tensor),
    ]),
  );
}

/**
 * Logits h(z), [N, K], of a head in training.
 * @param representations [N, D]
 */
export function headLogits(spec: HeadSpec, parameters: Parameters, representations: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    let x = representations;
    for (let i = 0; i < spec.layers; i++) {
      if (i > 0) x = groupSort(x, spec.groupSize);
      const weight = effectiveWeight(parameters, layerName(i), spec);
      x = tf.add(tf.matMul(x, weight, false, true), parameters[`${layerName(i)}.bias`]);
    }
    return x;
  });
}

/** The head that the parameters of one in training come to; differentiable in them. Belongs to the scope of the caller. */
export function effectiveHead(spec: HeadSpec, parameters: Parameters): Pick<FrozenHead, 'groupSize' | 'layers'> {
  const layers = Array.from({ length: spec.layers }, (_, i) => ({
    weight: effectiveWeight(parameters, layerName(i), spec),
    bias: parameters[`${layerName(i)}.bias`] as tf.Tensor1D,
  }));
  return { groupSize: spec.groupSize, layers };
}

/** A trained head: its effective weights, on the host. */
export async function finishedHead(shape: HeadShape, parameters: Parameters): Promise<HeadWeights> {
  const layers = layerSizes(shape).map(async ({ inputs, outputs }, i) => ({
    inputs,
    outputs,
    // Cloned, because the effective weight of an unconstrained layer is its direction, which stays.
    weight: await takeValues(tf.tidy(() => tf.clone(effectiveWeight(parameters, layerName(i), shape.spec)))),
    bias: await valuesOf(parameters[`${layerName(i)}.bias`]),
  }));
  const { constraint, bound, groupSize } = shape.spec;
  return { constraint, bound, groupSize, layers: await Promise.all(layers) };
}

/** A finished head on the device. */
export interface FrozenHead {
  readonly groupSize: number;
  readonly classes: number;
  readonly layers: readonly { readonly weight: tf.Tensor2D; readonly bias: tf.Tensor1D }[];
}

export function freezeHead({ groupSize, layers }: HeadWeights): FrozenHead {
  return {
    groupSize,
    classes: layers.at(-1)!.outputs,
    layers: layers.map(({ inputs, outputs, weight, bias }) => ({
      weight: tf.tensor2d(weight, [outputs, inputs]),
      bias: tf.tensor1d(bias),
    })),
  };
}

export function disposeHead(head: FrozenHead): void {
  for (const { weight, bias } of head.layers) tf.dispose([weight, bias]);
}

/** Logits h(z), [N, K]; differentiable in the representations [N, D]. */
export function classify({ groupSize, layers }: FrozenHead, representations: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() =>
    layers.reduce<tf.Tensor2D>((x, { weight, bias }, i) => {
      const active = i > 0 ? groupSort(x, groupSize) : x;
      return tf.add(tf.matMul(active, weight, false, true), bias);
    }, representations),
  );
}
