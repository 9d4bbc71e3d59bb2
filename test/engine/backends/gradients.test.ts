import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { GRADIENT_CASES } from './gradientCases.ts';
import { nativeIsInstalled } from './native.ts';

interface Result {
  readonly name: string;
  readonly shape: number[];
  readonly values: number[];
  readonly leaked: number;
}

/** Each backend in its own process: the tfjs engine is one per process. */
function gradientsOn(backend: string): Map<string, Result> {
  const program = path.join(import.meta.dirname, 'gradientsOnBackend.ts');
  const env = { ...process.env, PTW_BACKEND: backend };
  const output = execFileSync(process.execPath, [program, backend], { env, maxBuffer: 1 << 26 }).toString();
  return new Map((JSON.parse(output) as Result[]).map((result) => [result.name, result]));
}

const FLOAT32_EPSILON = 2 ** -23;

describe.skipIf(!nativeIsInstalled)('gradients on wasm are those of tensorflow', () => {
  let wasm: Map<string, Result>;
  let tensorflow: Map<string, Result>;
  beforeAll(() => {
    wasm = gradientsOn('wasm');
    tensorflow = gradientsOn('tensorflow');
  });

  // A sum of `terms` products, each off by at most ε of the largest, in whatever order.
  it.each(GRADIENT_CASES.map(({ name, terms }) => [name, terms] as const))('%s', (name, terms) => {
    const [actual, expected] = [wasm.get(name)!, tensorflow.get(name)!];
    expect(actual.shape).toEqual(expected.shape);
    const largest = Math.max(...expected.values.map(Math.abs));
    expect(largest).toBeGreaterThan(0);
    const difference = Math.max(...expected.values.map((value, i) => Math.abs(value - actual.values[i])));
    expect(difference).toBeLessThanOrEqual(terms * FLOAT32_EPSILON * largest);
  });

  it('leave no tensor behind', () => {
    for (const result of [...wasm.values(), ...tensorflow.values()]) expect(result).toMatchObject({ leaked: 0 });
  });
});
