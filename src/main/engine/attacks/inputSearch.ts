import * as tf from '@tensorflow/tfjs-core';
import { distancesBetween } from '../../math/halfSpaces.ts';
import { argmax } from '../../math/head.ts';
import type { AdversarialSearchSettings } from '../../../shared/config.ts';
import type { AdversarialSearchRecord } from '../../../shared/results.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { classify, type FrozenHead } from '../models/head.ts';
import { extract, type FrozenExtractor } from '../models/wideResNet.ts';
import { representationSize } from '../models/wideResNetShape.ts';
import type { RowSearch, Rows } from './fullBatches.ts';
import { lossGradient } from './lossGradient.ts';

export interface InputSearchInputs {
  readonly extractor: FrozenExtractor;
  readonly head: FrozenHead;
  readonly set: DomainImages;
  readonly settings: Pick<AdversarialSearchSettings, 'steps' | 'learningRate' | 'regulariser'>;
}

/** An instance and the representation that its input is to come near. */
export interface Goal {
  readonly datasetIndex: number;
  /** h(f(x)), which the search wants to leave. */
  readonly predicted: number;
  /** z', [D] */
  readonly point: Float32Array;
}

export interface SearchTarget {
  readonly goal: Goal;
  /** Taken so far. */
  step: number;
  /** Null while the search goes on. */
  input: AdversarialSearchRecord['input'];
}

export type InputSearch = RowSearch<SearchTarget, keyof InputSearchStepInputs, keyof InputSearchStepOutputs>;

/**
 * The input search of the paper (METHOD.md §3): from x'' = x, at most `steps` steps of plain gradient descent on
 * ‖z' − f(x'')‖₁ + regulariser·‖x'' − x‖₂, each learningRate times the gradient, nowhere projected. It ends where the
 * prediction changes, or where the gradient is not finite. That nothing is found proves nothing.
 */
export function inputSearch(inputs: InputSearchInputs, goals: readonly Goal[]): InputSearch {
  const { extractor, head, set } = inputs;
  const size = set.shape.height * set.shape.width * set.shape.channels;
  const dimension = representationSize(extractor.net);
  const goalOf = new Map(goals.map((goal) => [goal.datasetIndex, goal]));
  return {
    of: 'input search steps',
    indices: Int32Array.from(goals, ({ datasetIndex }) => datasetIndex),
    precision: extractor.precision,
    inputs: { images: size, delta: size, goals: dimension },
    outputs: { next: size, logits: head.classes, representations: dimension },
    step: (tensors) => inputSearchStep(inputs, tensors),
    begin(datasetIndex, row) {
      const goal = goalOf.get(datasetIndex)!;
      row.images.set(set.images(Int32Array.of(datasetIndex)));
      row.delta.fill(0);
      row.goals.set(goal.point);
      return { goal, step: 0, input: null };
    },
    advance: (target, row, seen) => advance(inputs, { target, row, seen }),
  };
}

interface Advance {
  readonly target: SearchTarget;
  readonly row: Rows<keyof InputSearchStepInputs>;
  readonly seen: Rows<keyof InputSearchStepOutputs>;
}

/** Takes in what a step saw of an instance, and puts its next point in its row. @returns whether the instance is done */
function advance({ settings }: InputSearchInputs, { target, row, seen }: Advance): boolean {
  const { goal, step } = target;
  const predicted = argmax(seen.logits);
  // A logit that is not a number is a prediction of nothing.
  const found = predicted !== goal.predicted && seen.logits.every(Number.isFinite);
  if (!found && step < settings.steps && seen.next.every(Number.isFinite)) {
    row.delta.set(seen.next);
    target.step++;
    return false;
  }
  target.input = {
    found,
    predicted,
    steps: step,
    ...distancesBetween(row.delta, new Float32Array(row.delta.length)),
    representationDistanceLinf: distancesBetween(seen.representations, goal.point).distanceLinf,
    perturbation: row.delta.slice(),
  };
  return true;
}

export interface InputSearchStepInputs {
  /** [N, size] */
  readonly images: tf.Tensor2D;
  /** x'' − x, [N, size] */
  readonly delta: tf.Tensor2D;
  /** z', [N, D] */
  readonly goals: tf.Tensor2D;
}

interface InputSearchStepOutputs {
  readonly next: tf.Tensor2D;
  /** [N, K] */
  readonly logits: tf.Tensor2D;
  /** [N, D] */
  readonly representations: tf.Tensor2D;
}

/** The gradient of a norm at zero is taken as zero, instead of dividing by zero. */
const SMALLEST_NORM = 1e-30;

/** One step: what is seen at x'' and the next x'' − x, for `compile`; the weights of extractor and head become constants. */
export function inputSearchStep(
  {
    extractor,
    head,
    set,
    settings: { learningRate, regulariser },
  }: Omit<InputSearchInputs, 'set'> & { readonly set: Pick<DomainImages, 'shape'> },
  { images, delta, goals }: InputSearchStepInputs,
): InputSearchStepOutputs {
  const { gradient, seen: representations } = lossGradient(
    { images, delta, shape: set.shape },
    { see: (inputs) => extract(extractor, inputs), of: (z) => sumOfAbsolutes(tf.sub(z, goals)) },
  );
  const norms = tf.sqrt(tf.sum(tf.square(delta), 1, true));
  const pull = tf.mul(tf.div(delta, tf.maximum(norms, SMALLEST_NORM)), regulariser);
  const next: tf.Tensor2D = tf.sub(delta, tf.mul(tf.add(gradient, pull), learningRate));
  return { next, logits: classify(head, representations), representations };
}

/** Σ|v|, whose gradient is the sign of v, 0 at 0; that of tfjs's abs is −1 there. */
function sumOfAbsolutes(values: tf.Tensor): tf.Tensor {
  return tf.sum(tf.mul(tf.sign(values), values));
}
