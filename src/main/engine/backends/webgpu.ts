import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import type { Environment } from '../native/command.ts';
import { mendStridedSlice } from './composedKernels.ts';
import { registerGradients } from './gradients.ts';
import { BACKEND_PACKAGE, findWebgpuAdapter, webgpuUnavailable } from './webgpuAdapter.ts';
import type { AdapterInfo, WebgpuUnavailable } from './webgpuAdapter.ts';
import { watchedBackend } from './webgpuWatch.ts';
import type { GpuDevice, WebgpuBackendClass } from './webgpuWatch.ts';

export interface WebgpuStarted {
  readonly status: 'started';
  /** The adapter's name. */
  readonly adapter: string;
  /** Whether it is a software adapter, which the processor computes for. */
  readonly software: boolean;
}

/** The part of the WebGPU standard that starting needs; the packages are optional, and so are their types. */
interface GpuAdapter {
  readonly info: AdapterInfo;
  readonly limits: Readonly<Record<string, number>>;
  requestDevice(descriptor: { readonly requiredLimits: Readonly<Record<string, number>> }): Promise<GpuDevice>;
}
interface Dawn {
  readonly create: (options: readonly string[]) => {
    requestAdapter(options: { readonly powerPreference: 'high-performance' }): Promise<GpuAdapter | null>;
  };
  readonly globals: object;
}

/** Limits that tfjs's shaders make use of beyond the standard's defaults. */
const LIMITS = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
];

let started: WebgpuStarted | null = null;

/**
 * Makes webgpu the tfjs backend in use.
 * @param allowSoftware whether an adapter that computes on the processor will do; tests are its only use, since it is
 *   slower than wasm
 * @returns why, where it cannot be had
 */
export async function startWebgpu(
  { allowSoftware }: { readonly allowSoftware: boolean },
  env: Environment = process.env,
): Promise<WebgpuStarted | WebgpuUnavailable> {
  if (started === null) {
    const found = await findWebgpuAdapter(env);
    if (found.status === 'unavailable') return found;
    if (found.software && !allowSoftware) {
      return webgpuUnavailable('software-adapter', `Only a software adapter was found: ${found.name}.`);
    }
    try {
      await registerBackend();
    } catch (error) {
      return webgpuUnavailable('no-device', `The GPU ${found.name} gives no device: ${(error as Error).message}`);
    }
    started = { status: 'started', adapter: found.name, software: found.software };
  }
  registerGradients();
  await tf.setBackend('webgpu');
  return started;
}

/**
 * Registers tfjs's backend on a device of our own, in place of the factory that its package registers: that one asks
 * for a feature by a wrong name and looks at nothing that goes wrong on the device.
 */
async function registerBackend(): Promise<void> {
  const { create, globals } = (await import('webgpu')) as unknown as Dawn;
  const gpu = create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new Error('the adapter is gone.');
  const device = await adapter.requestDevice({
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
  });
  provideBrowserGlobals(globals, gpu);
  const { WebGPUBackend, webgpu_util: util } = createRequire(import.meta.url)(BACKEND_PACKAGE) as {
    readonly WebGPUBackend: WebgpuBackendClass;
    readonly webgpu_util: { readonly MatMulProgramType: { readonly MatMulPackedProgram: number } };
  };
  // Left to itself it computes what is small and still on the host in JavaScript, rounded otherwise than on the GPU: a
  // run gone on from a checkpoint, whose tensors come from the host, would differ from one that never stopped.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  // Left to itself it splits long inner dimensions and adds the parts atomically, in another order each time.
  tf.env().set('WEBGPU_MATMUL_PROGRAM_TYPE', util.MatMulProgramType.MatMulPackedProgram);
  mendStridedSlice('webgpu');
  tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', () => watchedBackend(WebGPUBackend, device, adapter.info));
}

/** tfjs's backend is written for browsers, and looks for navigator.gpu and the standard's constants and classes there. */
function provideBrowserGlobals(globals: object, gpu: object): void {
  Object.assign(globalThis, globals);
  const navigator = ((globalThis as { navigator?: object }).navigator ??= {});
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
}
