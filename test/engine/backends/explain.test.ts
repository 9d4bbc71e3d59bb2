import { describe, expect, it } from 'vitest';
import { explainOthers } from '../../../src/main/engine/backends/explain.ts';
import type { Attempts, Native } from '../../../src/main/engine/backends/explain.ts';
import { webgpuUnavailable } from '../../../src/main/engine/backends/webgpuAdapter.ts';
import type { Installed, InstalledVariants } from '../../../src/main/engine/native/installed.ts';
import { unavailable } from '../../../src/main/engine/native/outcome.ts';
import type { Variant } from '../../../src/main/engine/native/wheels.ts';

const ready = (variant: Variant): Installed => ({ status: 'ready', variant, folder: '/x', marker: {} as never });
const BOTH: InstalledVariants = { cuda: ready('cuda'), cpu: ready('cpu'), driver: true };
const native = (variant: Variant, usesGpu: boolean): Native => ({
  variant,
  loaded: { status: 'loaded', version: '2', usesGpu, threads: 1 },
});
const attempts = (change: Partial<Attempts>): Attempts => ({ native: null, failures: {}, webgpu: null, ...change });
const NO_ADAPTER = webgpuUnavailable('no-adapter', 'No GPU was found.');

type Situation = Parameters<typeof explainOthers>[0];
const situation = (change: Partial<Situation>): Situation => ({
  installed: BOTH,
  attempts: attempts({}),
  demanded: null,
  serving: { name: 'wasm' },
  ...change,
});

/** Each situation, and of every backend that does not serve there, what its reason and cure say. */
const TABLE: readonly (readonly [string, Situation, readonly (readonly [backend: string, says: RegExp])[]])[] = [
  [
    'CUDA serves',
    situation({ attempts: attempts({ native: native('cuda', true) }), serving: { name: 'tensorflow' } }),
    [
      ['webgpu', /TensorFlow on CUDA serves, and is faster\. Set PTW_BACKEND=webgpu/],
      ['tensorflow-cpu', /The CUDA build serves\. Set PTW_TENSORFLOW=cpu/],
      ['wasm', /TensorFlow on CUDA serves, and is faster\. Set PTW_BACKEND=wasm/],
    ],
  ],
  [
    'webgpu serves because CUDA finds no GPU that it can use',
    situation({ attempts: attempts({ native: native('cuda', false) }), serving: { name: 'webgpu' } }),
    [
      ['tensorflow-cuda', /found no GPU that it can use\. Set TF_CPP_MIN_LOG_LEVEL=0/],
      ['tensorflow-cpu', /WebGPU on a GPU serves, and is faster\. Set PTW_BACKEND=tensorflow/],
      ['wasm', /WebGPU on a GPU serves, and is faster\. Set PTW_BACKEND=wasm/],
    ],
  ],
  [
    'the CPU serves where there is neither driver nor adapter',
    situation({
      installed: { ...BOTH, driver: false },
      attempts: attempts({ native: native('cpu', false), webgpu: NO_ADAPTER }),
      serving: { name: 'tensorflow' },
    }),
    [
      ['tensorflow-cuda', /No NVIDIA driver was found/],
      ['webgpu', /No GPU was found\. Install the GPU's driver/],
      ['wasm', /TensorFlow on the CPU serves/],
    ],
  ],
  [
    'wasm serves because nothing else is there',
    situation({
      installed: {
        cuda: unavailable('no-driver', 'No driver.'),
        cpu: unavailable('not-installed', 'Not installed.'),
        driver: false,
      },
      attempts: attempts({ webgpu: NO_ADAPTER }),
    }),
    [
      ['tensorflow-cuda', /No driver\./],
      ['webgpu', /No GPU was found/],
      ['tensorflow-cpu', /Not installed\. .*setup:tensorflow/],
    ],
  ],
  [
    'webgpu is demanded',
    situation({ demanded: 'webgpu', serving: { name: 'webgpu' } }),
    [
      ['tensorflow-cuda', /The webgpu backend was demanded\. Unset PTW_BACKEND, or set it to tensorflow/],
      ['tensorflow-cpu', /The webgpu backend was demanded/],
      ['wasm', /Unset PTW_BACKEND, or set it to wasm/],
    ],
  ],
];

describe('backends that do not serve are explained, in the order of choice, where', () => {
  it.each(TABLE)('%s', (_, given, expected) => {
    const others = explainOthers(given);
    expect(others.map(({ backend }) => backend)).toEqual(expected.map(([backend]) => backend));
    others.forEach(({ reason, cure }, i) => expect(`${reason} ${cure}`).toMatch(expected[i][1]));
  });
});
