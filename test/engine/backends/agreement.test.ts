import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ModelResults } from './modelOnBackend.ts';
import { nativeIsInstalled } from './native.ts';

/** Each backend in its own process: the tfjs engine is one per process. */
async function resultsOn(backend: string): Promise<ModelResults> {
  const program = path.join(import.meta.dirname, 'modelOnBackend.ts');
  const env = { ...process.env, PTW_BACKEND: backend, PTW_THREADS: '1' };
  const { stdout } = await promisify(execFile)(process.execPath, [program, backend], { env, maxBuffer: 1 << 27 });
  return JSON.parse(stdout) as ModelResults;
}

const FLOAT32_EPSILON = 2 ** -23;
/**
 * One convolution sums at most 9·64 products, whose roundings add like the root of their number: 24·ε of the largest term.
 * Ten convolutions, with a norm each, make at most 20 such sums on the way there.
 */
const FORWARD = 20 * 24 * FLOAT32_EPSILON;
/** There and back. */
const BACKWARD = 2 * FORWARD;

const largest = (values: readonly number[]): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

function expectClose(actual: readonly number[], expected: readonly number[], relative: number): void {
  expect(actual.length).toBe(expected.length);
  const scale = largest(expected);
  const difference = largest(expected.map((value, i) => value - actual[i]));
  expect(difference).toBeLessThanOrEqual(relative * scale);
}

describe.skipIf(!nativeIsInstalled)('wasm agrees with tensorflow on', () => {
  let wasm: ModelResults;
  let tensorflow: ModelResults;
  beforeAll(async () => {
    [wasm, tensorflow] = await Promise.all([resultsOn('wasm'), resultsOn('tensorflow')]);
  });

  it('the representations of a frozen extractor', () => {
    expect(largest(tensorflow.representations)).toBeGreaterThan(0);
    expectClose(wasm.representations, tensorflow.representations, FORWARD);
  });

  it('its input gradient', () => {
    expect(largest(tensorflow.inputGradient)).toBeGreaterThan(0);
    expectClose(wasm.inputGradient, tensorflow.inputGradient, BACKWARD);
  });

  it('the loss of a training step, its gradients and the running statistics after it', () => {
    expectClose([wasm.trainingLoss], [tensorflow.trainingLoss], FORWARD);
    expect(Object.keys(wasm.checkpoint)).toEqual(Object.keys(tensorflow.checkpoint));
    const compared = Object.keys(tensorflow.checkpoint).filter((name) => /^first\.|\.(mean|variance)$/.test(name));
    expect(compared.length).toBeGreaterThan(40);
    for (const name of compared) {
      // A first moment after one step is a tenth of the gradient.
      expectClose(wasm.checkpoint[name], tensorflow.checkpoint[name], BACKWARD);
    }
  });

  it('the parameters after the step, as far as their gradients determine them', () => {
    const names = Object.keys(tensorflow.checkpoint).filter((name) => name.startsWith('first.'));
    for (const moment of names) {
      const name = moment.replace('first.', 'parameters.');
      tensorflow.checkpoint[name].forEach((expected, i) => {
        // Adam's first step is rate·g / (|g| + 1e-8), so two gradients a and b end at most 2·rate·|a − b| / (max(|a|, |b|) + 1e-8)
        // apart: where a gradient is all rounding, its step is too.
        const [a, b] = [wasm, tensorflow].map(({ checkpoint }) => checkpoint[moment][i] * 10);
        const step = (2 * tensorflow.learningRate * Math.abs(a - b)) / (Math.max(Math.abs(a), Math.abs(b)) + 1e-8);
        const rounding = 4 * FLOAT32_EPSILON * (Math.abs(expected) + tensorflow.learningRate);
        expect(Math.abs(wasm.checkpoint[name][i] - expected), `${name} ${i}`).toBeLessThanOrEqual(step + rounding);
      });
    }
  });
});
