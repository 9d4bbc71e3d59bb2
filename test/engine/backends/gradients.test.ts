import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose } from './closeness.ts';
import { GRADIENT_CASES } from './gradientCases.ts';
import type { GradientResult } from './gradientsOnBackend.ts';
import { resultOf } from './inProcess.ts';
import { nativeIsInstalled } from './native.ts';
import { softwareAdapter } from './softwareAdapter.ts';

type Results = ReadonlyMap<string, GradientResult>;

async function gradientsOn(backend: string, env: Readonly<Record<string, string>> = {}): Promise<Results> {
  const results = await resultOf<GradientResult[]>('gradientsOnBackend.ts', backend, env);
  return new Map(results.map((result) => [result.name, result]));
}

interface Comparison {
  readonly backend: string;
  readonly reference: string;
  /** Null where the backend cannot be tested. */
  readonly env: Readonly<Record<string, string>> | null;
}

// Shaders are rounded as WGSL allows, which gives exp, division and roots a few units in the last place; the tolerances
// of the other backends, of at least eight, have room for that.
const COMPARISONS: readonly Comparison[] = [
  { backend: 'wasm', reference: 'tensorflow', env: nativeIsInstalled ? {} : null },
  { backend: 'webgpu', reference: 'wasm', env: softwareAdapter },
];

describe.each(COMPARISONS)('gradients on $backend are those of $reference', ({ backend, reference, env }) => {
  let results: Results;
  let references: Results;
  beforeAll(async () => {
    if (env === null) return;
    results = await gradientsOn(backend, env);
    references = await gradientsOn(reference);
  }, 120_000);

  it.skipIf(env === null).each(GRADIENT_CASES.map(({ name, terms }) => [name, terms] as const))('%s', (name, terms) => {
    const [actual, expected] = [results.get(name)!, references.get(name)!];
    expect(actual.shape).toEqual(expected.shape);
    expect(Math.max(...expected.values.map(Math.abs))).toBeGreaterThan(0);
    expectClose(actual.values, expected.values, terms);
  });

  it.skipIf(env === null)('leave no tensor behind', () => {
    for (const result of [...results.values(), ...references.values()]) expect(result).toMatchObject({ leaked: 0 });
  });
});
