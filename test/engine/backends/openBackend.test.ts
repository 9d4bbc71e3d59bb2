import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { BackendReport } from '../../../src/main/engine/backends/doctor.ts';
import { threadCount, vectorSetsOf } from '../../../src/main/engine/backends/machine.ts';
import { nativeIsInstalled } from './native.ts';
import { NO_GPU, softwareAdapter } from './softwareAdapter.ts';

const emptyCache = mkdtempSync(path.join(tmpdir(), 'no-native-'));
afterAll(() => {
  rmSync(emptyCache, { recursive: true });
});

interface Opened {
  readonly report: BackendReport;
  readonly backend: string;
  readonly product: number[];
}

const OWN = ['PTW_BACKEND', 'PTW_TENSORFLOW', 'PTW_THREADS', 'TF_NUM_INTRAOP_THREADS', 'TF_CPP_MIN_LOG_LEVEL'];

/** Opens a backend in a process of its own under this environment, cleared of the variables that choose and of GPUs. */
function run(changes: Record<string, string>): { status: number | null; stdout: string; stderr: string } {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OWN.includes(name)));
  const program = path.join(import.meta.dirname, 'openInProcess.ts');
  return spawnSync(process.execPath, [program], { env: { ...inherited, ...NO_GPU, ...changes }, encoding: 'utf8' });
}

function open(changes: Record<string, string>): Opened {
  const { status, stdout, stderr } = run(changes);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Opened;
}

describe('openBackend refuses', () => {
  it.each([
    [{ PTW_BACKEND: 'webgl' }, /PTW_BACKEND is "webgl", expected one of tensorflow, webgpu, wasm/],
    [{ PTW_THREADS: '0' }, /PTW_THREADS is "0", expected a whole number of at least 1/],
    [{ PTW_BACKEND: 'tensorflow', PTW_TENSORFLOW: 'none' }, /tensorflow was demanded, got none: PTW_TENSORFLOW=none/],
    [{ PTW_BACKEND: 'webgpu' }, /webgpu was demanded, got none: No GPU was found: .* Install/],
    [{ PTW_BACKEND: 'tensorflow', PTW_CACHE_DIR: emptyCache }, /got none: .* not installed\. Run: .*setup:tensorflow/],
  ])('%j', (changes, message) => {
    const { status, stderr } = run(changes);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(message);
  });
});

describe('openBackend', () => {
  it('falls back to wasm where TensorFlow is not installed, and says so of all others', () => {
    const { report, backend, product } = open({ PTW_CACHE_DIR: emptyCache });
    expect(backend).toBe('wasm');
    expect(product).toEqual([30, 30]);
    expect(report.serving).toMatchObject({ name: 'wasm', threads: 1, simd: ['wasm SIMD'] });
    expect(report.serving).not.toHaveProperty('tensorflowVersion');
    expect(report.serving.notChosen.map((one) => one.backend)).toEqual(['tensorflow-cuda', 'webgpu', 'tensorflow-cpu']);
    expect(report.serving.notChosen[2].cure).toMatch(/setup:tensorflow/);
    expect(report.cache).toEqual({ folder: emptyCache, bytes: 0 });
  });

  it('reports an unknown PTW_TENSORFLOW and goes on with wasm', () => {
    const { report } = open({ PTW_TENSORFLOW: 'gpu' });
    expect(report.serving.name).toBe('wasm');
    expect(report.serving.notChosen[0].reason).toMatch(/"gpu", expected one of cpu, cuda, none/);
  });
});

describe.skipIf(softwareAdapter === null)('openBackend where the only adapter is software', () => {
  it('passes it over, and says how to have it all the same', () => {
    const { report } = open({ ...softwareAdapter, PTW_CACHE_DIR: emptyCache });
    expect(report.serving.name).toBe('wasm');
    const { reason, cure } = report.serving.notChosen.find((one) => one.backend === 'webgpu')!;
    expect(reason).toMatch(/Only a software adapter was found: SwiftShader/);
    expect(cure).toMatch(/PTW_BACKEND=webgpu/);
  });

  it('takes it on demand, calls it by its name, and lets the process end', () => {
    const { report, backend, product } = open({ ...softwareAdapter, PTW_BACKEND: 'webgpu' });
    expect(backend).toBe('webgpu');
    expect(product).toEqual([30, 30]);
    expect(report.serving).toMatchObject({ name: 'webgpu', threads: 1, simd: [] });
    expect(report.serving.devices).toEqual([expect.stringMatching(/^Software adapter: SwiftShader.*, on CPU: ./)]);
  });
});

describe.skipIf(!nativeIsInstalled)('openBackend with native TensorFlow', () => {
  it('chooses it, computes with it, and keeps its log off standard error', () => {
    const { status, stdout, stderr } = run({});
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { report, backend, product } = JSON.parse(stdout) as Opened;
    expect(backend).toBe('tensorflow');
    expect(product).toEqual([30, 30]);
    expect(report.versions.tensorflow).toBe('2.21.0');
    expect(report.serving.devices.at(-1)).toMatch(/^CPU: ./);
    expect(report.serving.notChosen.at(-1)).toMatchObject({ backend: 'wasm' });
    expect(report.cache.bytes).toBeGreaterThan(5e8);
  });

  it('lets TF_CPP_MIN_LOG_LEVEL bring the log back', () => {
    expect(run({ TF_CPP_MIN_LOG_LEVEL: '0' }).stderr).not.toBe('');
  });

  it('uses the threads that PTW_THREADS names', () => {
    expect(open({ PTW_THREADS: '1' }).report.serving.threads).toBe(1);
  });

  it('gives way to wasm where that is demanded, and says how to have it back', () => {
    const { report, backend } = open({ PTW_BACKEND: 'wasm' });
    expect(backend).toBe('wasm');
    const cures = report.serving.notChosen.map(({ cure }) => cure);
    expect(cures.some((cure) => cure.includes('Unset PTW_BACKEND'))).toBe(true);
  });
});

describe('machine', () => {
  it.each(['1.5', '-1', 'two', '0x'])('refuses PTW_THREADS=%s', (text) => {
    expect(() => threadCount({ PTW_THREADS: text })).toThrow(RangeError);
  });

  it('reads the vector sets of x86 and ARM from the text of /proc/cpuinfo', () => {
    expect(vectorSetsOf('model name\t: x\nflags\t\t: fpu avx2 avx512f amx_tile\n')).toEqual(['AVX2', 'AVX-512', 'AMX']);
    expect(vectorSetsOf('Features\t: fp asimd sve\n')).toEqual(['NEON', 'SVE']);
    expect(vectorSetsOf('')).toEqual([]);
  });
});
