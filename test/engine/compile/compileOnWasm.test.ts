import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { compile } from '../../../src/main/engine/compile/compile.ts';
import { noiseSource, standardNormal, type NoiseSource } from '../../../src/main/engine/ops/standardNormal.ts';
import { deriveKey } from '../../../src/main/math/philox.ts';

describe('compile on wasm', () => {
  beforeAll(async () => {
    await openBackend('wasm');
  });

  it('runs the step itself, inside tidy, and says so', () => {
    let runs = 0;
    const step = compile(({ x }: { x: tf.Tensor }) => {
      runs++;
      return { y: tf.add(tf.square(x), 1), same: x };
    });
    const x = tf.scalar(3);
    const before = tf.memory().numTensors;
    const { y, same } = step.run({ x });
    expect(y.dataSync()[0]).toBe(10);
    expect(runs).toBe(1);
    expect(step.status()).toEqual({ mode: 'eager', reason: 'The wasm backend has no graphs.' });
    expect(tf.memory().numTensors).toBe(before + 2);
    tf.dispose([y, same]);
    expect(x.dataSync()[0]).toBe(3);
    step.dispose();
  });

  it('draws by key and counter', () => {
    const step = compile((source: NoiseSource) => ({ noise: standardNormal(source, [2, 6]) }));
    const draw = (first: number): Float32Array =>
      step.run(noiseSource({ key: deriveKey(1, 'one'), first, size: 6 })).noise.dataSync<'float32'>();
    expect(draw(0)).toEqual(draw(0));
    expect(draw(1).subarray(0, 6)).toEqual(draw(0).subarray(6));
  });
});
