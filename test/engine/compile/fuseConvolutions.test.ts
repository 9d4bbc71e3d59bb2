import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { compile } from '../../../src/main/engine/compile/compile.ts';
import { canFuse, FUSED, fuseConvolutions } from '../../../src/main/engine/compile/fuseConvolutions.ts';
import { record } from '../../../src/main/engine/compile/record.ts';
import { biasAdd } from '../../../src/main/engine/ops/biasAdd.ts';
import { nativeBackend, type NativeBackend } from '../../../src/main/engine/ops/native.ts';
import { relu } from '../../../src/main/engine/ops/relu.ts';

interface Inputs {
  /** [2, 6, 6, 4] */
  readonly x: tf.Tensor4D;
  /** [2, 6, 6, 8] */
  readonly side: tf.Tensor4D;
}
type Step = (inputs: Inputs) => Record<string, tf.Tensor>;

let filter: tf.Tensor4D;
let bias: tf.Tensor1D;
let inputs: Inputs;
beforeAll(async () => {
  await openBackend('tensorflow');
  const normal = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', seed);
  filter = normal([3, 3, 4, 8], 1) as tf.Tensor4D;
  bias = normal([8], 2) as tf.Tensor1D;
  inputs = { x: normal([2, 6, 6, 4], 3) as tf.Tensor4D, side: normal([2, 6, 6, 8], 4) as tf.Tensor4D };
});

const biased = (x: tf.Tensor4D): tf.Tensor4D => biasAdd(tf.conv2d(x, filter, 1, 'same'), bias);

/** What each fused convolution of a step does besides. */
function fusedOps(step: Step): unknown[] {
  const native = nativeBackend()!;
  const { recording, outputs } = record(native, [inputs.x, inputs.side], () => step(inputs));
  tf.dispose(outputs);
  const { nodes } = fuseConvolutions(recording!, native.binding);
  return nodes.flatMap((node) =>
    node.kind === 'op' && node.op === FUSED ? [node.attributes.find(({ name }) => name === 'fused_ops')!.value] : [],
  );
}

const STEPS: readonly [string, Step, readonly (readonly string[])[]][] = [
  ['a bias', ({ x }) => ({ y: biased(x) }), [['BiasAdd']]],
  ['a bias and ReLU', ({ x }) => ({ y: relu(biased(x)) }), [['BiasAdd', 'Relu']]],
  ['a bias and a sum', ({ x, side }) => ({ y: tf.add(biased(x), side) }), [['BiasAdd', 'Add']]],
  [
    'a sum from the left, and ReLU',
    ({ x, side }) => ({ y: relu(tf.add(side, biased(x))) }),
    [['BiasAdd', 'Add', 'Relu']],
  ],
  ['nothing without a bias', ({ x, side }) => ({ y: relu(tf.add(tf.conv2d(x, filter, 1, 'same'), side)) }), []],
  ['no sum of another shape', ({ x }) => ({ y: tf.add(biased(x), bias) }), [['BiasAdd']]],
  [
    'nothing that something else reads',
    ({ x, side }) => {
      const sum = biased(x);
      return { y: relu(tf.add(sum, side)), z: tf.square(sum) };
    },
    [['BiasAdd']],
  ],
  [
    'nothing that is an output',
    ({ x }) => {
      const y = biased(x);
      return { y, z: relu(y) };
    },
    [['BiasAdd']],
  ],
  [
    'of two convolutions that are summed, the first',
    ({ x }) => ({ y: relu(tf.add(biased(x), tf.conv2d(x, filter, 1, 'same'))) }),
    [['BiasAdd', 'Add', 'Relu']],
  ],
];

describe('a convolution is fused with', () => {
  it.each(STEPS)('%s, and computes the same', (_, step, expected) => {
    expect(fusedOps(step)).toEqual(expected);
    const graph = compile(step as (given: Inputs & Record<string, tf.Tensor>) => Record<string, tf.Tensor>);
    const [actual, ideal] = [graph.run({ ...inputs }), step(inputs)];
    expect(graph.status().mode).toBe('compiled');
    for (const [name, tensor] of Object.entries(ideal)) {
      // Sums of 36 products of normal numbers, and two more.
      const difference = tf.max(tf.abs(tf.sub(actual[name], tensor))).dataSync()[0];
      expect(difference, name).toBeLessThan(40 * 2 ** -23 * 40);
    }
    graph.dispose();
  });

  it('its gradients, which are those without fusing', () => {
    const step = ({ x, side }: Inputs & Record<string, tf.Tensor>) => ({
      dx: tf.grad((given: tf.Tensor) => tf.sum(tf.square(relu(tf.add(biased(given as tf.Tensor4D), side)))))(x),
    });
    const graph = compile(step);
    const [actual, ideal] = [graph.run({ ...inputs }).dx, step({ ...inputs }).dx];
    const scale = tf.max(tf.abs(ideal)).dataSync()[0];
    expect(tf.max(tf.abs(tf.sub(actual, ideal))).dataSync()[0]).toBeLessThan(1e-5 * scale);
    graph.dispose();
  });
});

describe('whether anything is fused', () => {
  const onGpu = { ...({} as NativeBackend), isUsingGpuDevice: true };
  it('is left to TensorFlow on a GPU, and in a type that the kernels do not have', () => {
    expect(canFuse(onGpu, 'float32')).toBe(false);
    expect(canFuse(nativeBackend()!, 'float16')).toBe(false);
    expect(canFuse(nativeBackend()!, 'float32')).toBe(process.arch === 'x64');
  });
});
