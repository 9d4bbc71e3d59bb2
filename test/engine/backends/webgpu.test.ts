import { beforeAll, describe, expect, it } from 'vitest';
import type { CertificateRecord } from '../../../src/shared/results.ts';
import type { Checkpoint } from '../../../src/main/engine/training/checkpoint.ts';
import { expectClose, FLOAT32_EPSILON } from './closeness.ts';
import type { DeviceFaults } from './deviceFaults.ts';
import { resultOf } from './inProcess.ts';
import { softwareAdapter } from './softwareAdapter.ts';
import type { OnBackend } from './transferOnBackend.ts';

/** Products that one element sums on the longest path through the extractor: 3·3·inputs of each convolution. */
const FORWARD_TERMS = 9 * (1 + 16 + 16 + 16 + 32 + 32 + 64);
/** Through the heads: four layers of 64 inputs. */
const HEAD_TERMS = 4 * 64;
/** There, back again, and the sum over 16 images of 8·8 pixels that a filter's gradient is. */
const GRADIENT_TERMS = 2 * (FORWARD_TERMS + HEAD_TERMS) + 16 * 8 * 8;

/** A falsifying point lies in a box of rounded representations: of two backends its index and rival are compared. */
const whatWasFound = (falsification: CertificateRecord['falsification']) =>
  [falsification?.atRadius, falsification?.atSmallestBox].map((point) => point && [point.k, point.rival]);

describe.skipIf(softwareAdapter === null)('on a software adapter, webgpu', () => {
  let webgpu: OnBackend;
  let wasm: OnBackend;
  beforeAll(async () => {
    wasm = await resultOf<OnBackend>('transferOnBackend.ts', 'wasm');
    webgpu = await resultOf<OnBackend>('transferOnBackend.ts', 'webgpu', softwareAdapter!);
    // SwiftShader takes a second to compile the larger shaders, and there are many.
  }, 600_000);

  it('extracts the representations that wasm does', () => {
    expectClose(webgpu.first.representations, wasm.first.representations, FORWARD_TERMS);
  });

  it('takes the training step that wasm does', () => {
    const [actual, expected] = [webgpu.first.trained[0], wasm.first.trained[0]];
    expectClose([actual.loss], [expected.loss], FORWARD_TERMS + HEAD_TERMS);
    const of = (result: typeof actual, prefix: string): Checkpoint['arrays'] =>
      Object.fromEntries(Object.entries(result.checkpoint.arrays).filter(([name]) => name.startsWith(prefix)));
    // After one step Adam's first moment is the gradient, but for a factor.
    for (const [name, { data }] of Object.entries(of(expected, 'first.'))) {
      expectClose(actual.checkpoint.arrays[name].data, data, GRADIENT_TERMS);
    }
    for (const [name, { data }] of Object.entries(of(expected, 'parameters.'))) {
      if (/\.(mean|variance)$/.test(name)) expectClose(actual.checkpoint.arrays[name].data, data, FORWARD_TERMS);
    }
  });

  it('moves each parameter as far as wasm does, wherever the sign of its gradient is beyond rounding', () => {
    const [actual, expected] = [webgpu, wasm].map(({ first }) => first.trained[0].checkpoint.arrays);
    let compared = 0;
    for (const [name, { data: moments }] of Object.entries(expected).filter(([key]) => key.startsWith('first.'))) {
      const parameter = name.replace('first.', 'parameters.');
      const threshold = GRADIENT_TERMS * FLOAT32_EPSILON * Math.max(...moments.map(Math.abs));
      // Adam's first step is the learning rate times the sign.
      const certain = Array.from(moments.keys()).filter((i) => Math.abs(moments[i]) > 2 * threshold);
      const pick = (arrays: Checkpoint['arrays']): number[] => certain.map((i) => arrays[parameter].data[i]);
      expectClose(pick(actual), pick(expected), 8);
      compared += certain.length;
    }
    expect(compared).toBeGreaterThan(10_000);
  });

  it('draws the noise that wasm does, to the bit', () => {
    expect(webgpu.first.noise).toEqual(wasm.first.noise);
  });

  it('certifies an instance as wasm does: the same counts, order statistics, verdicts and radii', () => {
    expect(webgpu.first.certificates).toHaveLength(wasm.first.certificates.length);
    wasm.first.certificates.forEach((expected, i) => {
      const { evidence, falsification, ...record } = webgpu.first.certificates[i];
      const { evidence: expectedEvidence, falsification: expectedFalsification, ...expectedRecord } = expected;
      expect(record).toEqual(expectedRecord);
      expect(whatWasFound(falsification)).toEqual(whatWasFound(expectedFalsification));
      const floats = Object.entries(expectedEvidence).filter(([, value]) => isFloats(value));
      for (const [name, value] of floats) {
        expectClose(evidence[name as keyof typeof evidence] as never, value as never, FORWARD_TERMS + HEAD_TERMS);
      }
      expect(withoutFloats(evidence)).toEqual(withoutFloats(expectedEvidence));
    });
    expect(wasm.first.certificates.map(({ verdict }) => verdict.outcome)).toContain('certified');
  });

  it('starts heads on the losses that wasm does', () => {
    expect(wasm.first.heads.losses).toHaveLength(2);
    expectClose(webgpu.first.heads.losses, wasm.first.heads.losses, FORWARD_TERMS + HEAD_TERMS);
    const sizes = ({ first }: OnBackend) => first.heads.weights.map(({ layers }) => layers.map((l) => l.weight.length));
    expect(sizes(webgpu)).toEqual(sizes(wasm));
  });

  it('predicts the classes that wasm does', () => {
    const facts = ({ first }: OnBackend) => first.predictions.map(({ logits, ...record }) => [record, logits.length]);
    expect(facts(webgpu)).toEqual(facts(wasm));
    expect(wasm.first.predictions).toHaveLength(16);
    const logits = ({ first }: OnBackend) => first.predictions.flatMap((record) => [...record.logits]);
    expectClose(logits(webgpu), logits(wasm), FORWARD_TERMS + HEAD_TERMS);
  });

  it('breaks the instances that wasm breaks, at the same step', () => {
    const outcome = ({ first }: OnBackend) => first.attack.map(({ robust, brokenAtStep }) => [robust, brokenAtStep]);
    expect(outcome(webgpu)).toEqual(outcome(wasm));
    expect(new Set(wasm.first.attack.map(({ robust }) => robust)).size).toBe(2);
    const norms = ({ first }: OnBackend) => first.attack.map(({ perturbationNorm }) => perturbationNorm ?? 0);
    expectClose(norms(webgpu), norms(wasm), 64);
  });

  it('sorts groups, and routes their gradient, as wasm does', () => {
    expect(webgpu.first.sorting).toEqual(wasm.first.sorting);
    expect([...webgpu.first.sorting.values.subarray(0, 4)]).toEqual([1, 2, 3, 5]);
  });

  it('computes everything the same a second time, to the bit', () => {
    expect(webgpu.second).toEqual(webgpu.first);
  });

  it('sums a long product in the same order every time', () => {
    const [first, ...others] = webgpu.first.longProducts;
    for (const other of others) expect(other).toEqual(first);
    expectClose(first, wasm.first.longProducts[0], 40_000);
  });

  it('computes the same from the host as from the device, so a resumed training is the one that never stopped', () => {
    expect(webgpu.first.exponentials.fromHost).toEqual(webgpu.first.exponentials.fromDevice);
    expect(webgpu.first.resumed).toEqual(webgpu.first.trained.slice(1));
  });

  it('leaves no tensor, no buffer and no byte behind', () => {
    expect(webgpu.after).toEqual(webgpu.before);
    expect(webgpu.after).toEqual({ tensors: 0, buffers: 0, bytes: 0 });
  });
});

describe.skipIf(softwareAdapter === null)('reading from webgpu', () => {
  let faults: DeviceFaults;
  beforeAll(async () => {
    faults = await resultOf<DeviceFaults>('deviceFaults.ts', 'webgpu', softwareAdapter!);
  });

  it('refuses to be synchronous, naming what to use instead', () => {
    expect(faults.synchronous).toMatch(/dataSync of a tensor on the GPU.*use tensor\.data\(\)/);
  });

  it('throws what the device refused since the last read, once', () => {
    expect(faults.refused).toMatch(/webgpu: the device refused a command .*Buffer size .* exceeds/);
    expect([...faults.afterwards]).toEqual([3, 3, 3, 3]);
  });
});

const isFloats = (value: unknown): value is Float32Array | Float64Array =>
  value instanceof Float32Array || value instanceof Float64Array;

function withoutFloats(evidence: object): object {
  return Object.fromEntries(Object.entries(evidence).filter(([, value]) => !isFloats(value)));
}
