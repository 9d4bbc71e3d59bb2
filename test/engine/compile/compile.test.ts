import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { compile, type CompiledStep } from '../../../src/main/engine/compile/compile.ts';
import { nativeBackend } from '../../../src/main/engine/ops/native.ts';
import { noiseSource, standardNormal, type NoiseSource } from '../../../src/main/engine/ops/standardNormal.ts';
import { deriveKey } from '../../../src/main/math/philox.ts';
import { nativeIsInstalled } from '../backends/native.ts';
import { GRADIENT_CASES, spreadValues } from '../backends/gradientCases.ts';

interface X {
  readonly x: tf.Tensor;
}

const graphs = (): number => nativeBackend()!.binding.getNumOfSavedModels();
const handles = (): number => nativeBackend()!.binding.getNumOfTensors();

describe.skipIf(!nativeIsInstalled)('compile on tensorflow', () => {
  beforeAll(async () => {
    await openBackend('tensorflow');
  });

  const opened: { dispose(): void }[] = [];
  afterEach(() => {
    for (const one of opened.splice(0)) one.dispose();
    expect(graphs()).toBe(0);
  });
  function compiled<In extends object, Out extends object>(step: CompiledStep<In, Out>): CompiledStep<In, Out> {
    opened.push(step);
    return step;
  }

  describe('refuses, says why, and runs op by op', () => {
    const cases: readonly [name: string, step: (inputs: X) => { y: tf.Tensor }, reason: RegExp][] = [
      ['a value read back', ({ x }) => ({ y: tf.mul(x, tf.exp(x).dataSync()[0]) }), /reads a value back \(of Exp\)/],
      ['an input read back', ({ x }) => ({ y: tf.mul(x, x.dataSync()[0]) }), /reads a value back \(of an input/],
      [
        'an op with randomness of its own',
        () => ({ y: tf.cast(tf.multinomial(tf.tensor1d([0.5, 0.5]), 4, 7), 'float32') }),
        /Multinomial draws its own random numbers/,
      ],
      [
        'random numbers made by JavaScript',
        ({ x }) => ({ y: tf.add(x, tf.randomUniform([2])) }),
        /differ.*random numbers/,
      ],
      ['a step that changes', ({ x }) => ({ y: changing(x) }), /differ.*computes Exp, then Sin/],
    ];
    let calls = 0;
    const changing = (x: tf.Tensor): tf.Tensor => (calls++ % 2 === 0 ? tf.exp(x) : tf.sin(x));

    it.each(cases)('%s', (_, apply, reason) => {
      const step = compiled(compile(apply));
      const before = tf.memory().numTensors;
      const x = tf.tensor1d([1, 2]);
      const { y } = step.run({ x });
      expect(step.status()).toMatchObject({ mode: 'eager', reason: expect.stringMatching(reason) as string });
      expect([...y.dataSync()]).toHaveLength(y.size);
      tf.dispose([x, y]);
      expect(tf.memory().numTensors).toBe(before);
    });

    it('and goes on to refuse it: the values are right on every call', () => {
      const step = compiled(compile(({ x }: X) => ({ y: tf.mul(x, x.dataSync()[0]) })));
      for (const value of [2, 3]) {
        const squared = tf.tidy(() => step.run({ x: tf.scalar(value) }).y.dataSync()[0]);
        expect(squared).toBe(value * value);
      }
    });

    it('an error of the step itself passes through, and the backend is itself again', () => {
      const step = compiled(
        compile((): { y: tf.Tensor } => {
          throw new RangeError('from the step');
        }),
      );
      const { binding } = nativeBackend()!;
      expect(() => step.run({})).toThrow('from the step');
      expect(nativeBackend()!.binding).toBe(binding);
    });
  });

  // What differs between eager and graph is the order of sums and fused multiply-adds: ε for each term.
  it.each(GRADIENT_CASES.map((one) => [one.name, one] as const))(
    'is the eager step, and its gradient: %s',
    (_, one) => {
      const upstreamShape = tf.tidy(() => one.apply(spreadValues(one.shape, 0.5, 1.5)).shape);
      const upstream = spreadValues(upstreamShape, -3, 5);
      const step = (inputs: X): { y: tf.Tensor; gradient: tf.Tensor } => ({
        y: one.apply(inputs.x),
        gradient: tf.grad(one.apply)(inputs.x, upstream),
      });
      const graph = compiled(compile(step));
      const x = spreadValues(one.shape, 0.5, 1.5);
      const actual = graph.run({ x });
      const expected = step({ x });
      // GatherV2 of tfjs reads its indices, and here they are not on the host any more when the gradient asks.
      if (!one.name.startsWith('gather')) expect(graph.status()).toEqual({ mode: 'compiled', graphs: 1 });
      for (const name of ['y', 'gradient'] as const) {
        expect(actual[name].shape).toEqual(expected[name].shape);
        const values = expected[name].dataSync();
        const largest = Math.max(...values.map(Math.abs));
        const difference = Math.max(...actual[name].dataSync().map((value, i) => Math.abs(value - values[i])));
        expect(difference).toBeLessThanOrEqual(one.terms * 2 ** -23 * largest);
      }
      tf.dispose([x, upstream, ...Object.values(actual), ...Object.values(expected)]);
    },
  );

  it('keeps the types of its outputs and gives them by name, records within records', () => {
    const step = compiled(
      compile(({ x, more }: { x: tf.Tensor; more: Record<string, tf.Tensor> }) => ({
        index: tf.argMax(x),
        parts: { above: tf.greater(x, more['least']), same: x },
      })),
    );
    const x = tf.tensor1d([1, 5, 2]);
    const outputs = step.run({ x, more: { least: tf.scalar(1.5) } });
    expect(step.status().mode).toBe('compiled');
    expect(outputs.index.dtype).toBe('int32');
    expect(outputs.parts.above.dtype).toBe('bool');
    expect([...outputs.index.dataSync()]).toEqual([1]);
    expect([...outputs.parts.above.dataSync()]).toEqual([0, 1, 1]);
    outputs.parts.same.dispose();
    // An input handed through is another tensor than the input.
    expect([...x.dataSync()]).toEqual([1, 5, 2]);
  });

  it('has one graph a set of shapes, and a step that changes none of them records no more', () => {
    let runs = 0;
    const step = compiled(
      compile(({ x }: X) => {
        runs++;
        return { y: tf.sum(x) };
      }),
    );
    for (const size of [3, 4, 3, 4, 4]) {
      expect(tf.tidy(() => step.run({ x: tf.ones([size]) }).y.dataSync()[0])).toBe(size);
    }
    expect(step.status()).toEqual({ mode: 'compiled', graphs: 2 });
    expect(runs).toBe(4);
    expect(graphs()).toBe(2);
    step.dispose();
    expect(graphs()).toBe(0);
  });

  it('takes what the step closes over as constants', () => {
    const weight = tf.tensor1d([1, 2, 3]);
    const step = compiled(compile(({ x }: X) => ({ y: tf.mul(x, weight) })));
    tf.dispose(step.run({ x: tf.scalar(2) }).y);
    weight.dispose();
    expect([...step.run({ x: tf.scalar(3) }).y.dataSync()]).toEqual([3, 6, 9]);
  });

  it('draws noise by its inputs: another key other noise, the same key the same bits as the eager draw', () => {
    const step = compiled(compile((source: NoiseSource) => ({ noise: standardNormal(source, [3, 10]) })));
    const draw = (name: string, first: number): { graph: Float32Array; eager: Float32Array } =>
      tf.tidy(() => {
        const source = noiseSource({ key: deriveKey(1, name), first, size: 10 });
        return {
          graph: step.run(source).noise.dataSync<'float32'>(),
          eager: standardNormal(source, [3, 10]).dataSync<'float32'>(),
        };
      });
    const one = draw('one', 0);
    expect(step.status()).toEqual({ mode: 'compiled', graphs: 1 });
    expect(one.graph).toEqual(one.eager);
    expect(draw('one', 0).graph).toEqual(one.graph);
    expect(draw('another', 0).graph).not.toEqual(one.graph);
    // Draws 1 to 3 after draws 0 to 2: two rows in common.
    expect(draw('one', 1).graph.subarray(0, 20)).toEqual(one.graph.subarray(10));
    const far = draw('one', 2 ** 40);
    expect(far.graph).toEqual(far.eager);
  });

  it('inside another compiled step it becomes part of that one', () => {
    const inner = compiled(compile(({ x }: X) => ({ y: tf.square(x) })));
    const outer = compiled(compile(({ x }: X) => ({ z: tf.add(inner.run({ x }).y, 1) })));
    expect(outer.run({ x: tf.scalar(3) }).z.dataSync()[0]).toBe(10);
    expect(outer.status().mode).toBe('compiled');
    expect(graphs()).toBe(1);
  });

  it('leaks nothing in 3,000 calls', () => {
    const step = compiled(compile(({ x }: X) => ({ y: tf.add(x, 1), loss: tf.sum(x) })));
    let x: tf.Tensor = tf.zeros([1000]);
    const call = (): void => {
      const { y, loss } = step.run({ x });
      loss.dataSync();
      tf.dispose([x, loss]);
      x = y;
    };
    for (let i = 0; i < 500; i++) call();
    const [tensors, native, resident] = [tf.memory().numTensors, handles(), process.memoryUsage.rss()];
    for (let i = 0; i < 3000; i++) call();
    expect(x.dataSync()[0]).toBe(3500);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(handles()).toBe(native);
    // 3,000 leaked outputs of 4 kB would be 12 MB beside what Node's own heap does.
    expect(process.memoryUsage.rss() - resident).toBeLessThan(8 * 2 ** 20);
    x.dispose();
  });
});
