import * as tf from '@tensorflow/tfjs-core';
import { deriveKey, fillStandardNormal } from '../../math/philox.ts';
import type { HeadSpec } from '../../../shared/config.ts';
import type { HeadWeights } from '../../../shared/results.ts';
import { layerName, layerSizes, type HeadShape } from './headShape.ts';
import { constrainedWeight, firstIterate, isNormConstraint, projectedLayer } from './normConstraints.ts';
import { groupSort, groupSortByPlace } from '../ops/groupSort.ts';
import { takeValues, valuesOf } from '../readBack.ts';
import { mapValues, withoutPrefix, withPrefix, type NamedArray, type NamedArrays } from './arrays.ts';
import type { Parameters } from './parameters.ts';

/**
 * Fresh parameters. Of each layer "layer1.direction" [outputs, inputs], normal rows of expected norm 1 (He without a gain, since
 * GroupSort keeps the norm), within the constraint on a norm where there is one; "layer1.bias" [outputs], zero; under a constraint on rows
 * "layer1.magnitude" [outputs]; under `spectral` "layer1.iterate" [outputs], which updates carry on and do not train.
 */
export function initialHead(shape: HeadShape, seed: number): NamedArrays {
  const arrays: Record<string, NamedArray> = {};
  layerSizes(shape).forEach(({ inputs, outputs }, i) => {
    const { constraint, bound } = shape.spec;
    const layer = layerName(i);
    const normals = (count: number, ...label: string[]): Float32Array => {
      const values = new Float32Array(count);
      fillStandardNormal(values, deriveKey(seed, 'initial-head', layer, ...label), 0);
      return values;
    };
    const data = normals(outputs * inputs).map((v) => v / Math.sqrt(inputs));
    const matrix = { rows: outputs, columns: inputs, values: data };
    arrays[`${layer}.direction`] = {
      shape: [outputs, inputs],
      data: isNormConstraint(constraint) ? constrainedWeight(constraint, matrix, bound) : data,
    };
    if (constraint === 'wn' || constraint === 'wn-l1') {
      arrays[`${layer}.magnitude`] = { shape: [outputs], data: new Float32Array(outputs).fill(bound) };
    }
    arrays[`${layer}.bias`] = { shape: [outputs], data: new Float32Array(outputs) };
    if (constraint === 'spectral') {
      arrays[`${layer}.iterate`] = { shape: [outputs], data: firstIterate(matrix, normals(outputs, 'iterate')) };
    }
  });
  return arrays;
}

/** Whether updates carry a parameter of a head on without training it. */
export const isIterate = (name: string): boolean => name.endsWith('.iterate');

/** W of a layer, [outputs, inputs]: the direction itself, or magnitude · direction / ‖direction‖ by rows. */
function effectiveWeight(parameters: Parameters, layer: string, { constraint }: HeadSpec): tf.Tensor2D {
  const direction = parameters[`${layer}.direction`] as tf.Tensor2D;
  if (constraint === 'none' || isNormConstraint(constraint)) return direction;
  const norm =
    constraint === 'wn' ? tf.sqrt(tf.sum(tf.square(direction), 1, true)) : tf.sum(tf.abs(direction), 1, true);
  return tf.mul(direction, tf.div(tf.expandDims(parameters[`${layer}.magnitude`], 1), norm));
}

/**
 * The constraint after an update (METHOD.md §1): magnitudes clamped to [−bound, bound], where directions stay as they are, since
 * only their direction counts; under a constraint on a norm directions, which are the weights there, brought back to it.
 * @param parameters the trained ones and the iterates
 * @returns new tensors
 */
export function projectHead(parameters: Parameters, { constraint, bound, layers }: HeadSpec): Parameters {
  const constrained: Record<string, tf.Tensor> = {};
  for (let i = 0; i < layers && isNormConstraint(constraint); i++) {
    const prefix = `${layerName(i)}.`;
    const projected = projectedLayer(constraint, withoutPrefix(parameters, prefix), bound);
    Object.assign(constrained, withPrefix(projected, prefix));
  }
  return mapValues(parameters, (tensor, name) => {
    if (name in constrained) return constrained[name];
    return name.endsWith('.magnitude') ? tf.clipByValue(tensor, -bound, bound) : tf.clone(tensor);
  });
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

/** A head as it is trained: weights [outputs, inputs], units in the order of their groups. */
export interface EffectiveHead {
  readonly groupSize: number;
  readonly layers: readonly { readonly weight: tf.Tensor2D; readonly bias: tf.Tensor1D }[];
}

/** The head that the parameters of one in training come to; differentiable in them. Belongs to the scope of the caller. */
export function effectiveHead(spec: HeadSpec, parameters: Parameters): EffectiveHead {
  const layers = Array.from({ length: spec.layers }, (_, i) => ({
    weight: effectiveWeight(parameters, layerName(i), spec),
    bias: parameters[`${layerName(i)}.bias`] as tf.Tensor1D,
  }));
  return { groupSize: spec.groupSize, layers };
}

/** A trained head: its effective weights, on the host. Under a constraint on a norm that holds of what is stored (docs/method.md §1). */
export async function finishedHead(shape: HeadShape, parameters: Parameters): Promise<HeadWeights> {
  const { constraint, bound, groupSize } = shape.spec;
  const layers = layerSizes(shape).map(async ({ inputs, outputs }, i) => {
    // Cloned, because the effective weight of a layer may be its direction, which stays.
    const values = await takeValues(tf.tidy(() => tf.clone(effectiveWeight(parameters, layerName(i), shape.spec))));
    const matrix = { rows: outputs, columns: inputs, values };
    return {
      inputs,
      outputs,
      weight: isNormConstraint(constraint) ? constrainedWeight(constraint, matrix, bound) : values,
      bias: await valuesOf(parameters[`${layerName(i)}.bias`]),
    };
  });
  return { constraint, bound, groupSize, layers: await Promise.all(layers) };
}

/** A finished head on the device, in the order and layout that are fastest there. */
export interface FrozenHead {
  readonly groupSize: number;
  readonly classes: number;
  /** Weights [inputs, outputs]; hidden units lie by their place in the group, see `groupSortByPlace`. */
  readonly layers: readonly { readonly weight: tf.Tensor2D; readonly bias: tf.Tensor1D }[];
}

export function freezeHead({ groupSize, layers }: HeadWeights): FrozenHead {
  return {
    groupSize,
    classes: layers.at(-1)!.outputs,
    layers: layers.map(({ inputs, outputs, weight, bias }, i) => {
      const from = i === 0 ? unitsInTurn(inputs) : unitsByPlace(inputs, groupSize);
      const to = i === layers.length - 1 ? unitsInTurn(outputs) : unitsByPlace(outputs, groupSize);
      const moved = from.flatMap((input) => to.map((output) => weight[output * inputs + input]));
      return {
        weight: tf.tensor2d(Float32Array.from(moved), [inputs, outputs]),
        bias: tf.tensor1d(Float32Array.from(to, (output) => bias[output])),
      };
    }),
  };
}

const unitsInTurn = (width: number): number[] => Array.from({ length: width }, (_, unit) => unit);

/** Units of contiguous groups in the order of their places: of pairs the even ones, then the odd ones. */
const unitsByPlace = (width: number, groupSize: number): number[] =>
  unitsInTurn(width).sort((a, b) => (a % groupSize) - (b % groupSize));

export function disposeHead(head: FrozenHead): void {
  for (const { weight, bias } of head.layers) tf.dispose([weight, bias]);
}

/** Logits h(z), [N, K]; differentiable in the representations [N, D]. */
export function classify({ groupSize, layers }: FrozenHead, representations: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() =>
    layers.reduce<tf.Tensor2D>((x, { weight, bias }, i) => {
      const active = i > 0 ? groupSortByPlace(x, groupSize) : x;
      return tf.add(tf.matMul(active, weight), bias);
    }, representations),
  );
}
