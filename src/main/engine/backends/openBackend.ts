import * as tf from '@tensorflow/tfjs-core';
import type { Environment } from '../native/command.ts';
import { findInstalled } from '../native/installed.ts';
import type { InstalledVariants } from '../native/installed.ts';
import { loadTensorFlow } from '../native/load.ts';
import type { Unavailable } from '../native/outcome.ts';
import type { Variant } from '../native/wheels.ts';
import { explainOthers } from './explain.ts';
import type { Attempts, Native, NotChosen } from './explain.ts';
import { registerGradients } from './gradients.ts';
import { cpuName, threadCount, vectorSets } from './machine.ts';
import { listGpus } from './nvidiaGpus.ts';
import { startWasm } from './wasm.ts';
import { startWebgpu } from './webgpu.ts';
import type { WebgpuStarted } from './webgpu.ts';

export const BACKEND_NAMES = ['tensorflow', 'webgpu', 'wasm'] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];

export interface OpenBackend {
  readonly name: BackendName;
  /** Of the C library; on tensorflow alone. */
  readonly tensorflowVersion?: string;
  readonly variant?: Variant;
  /** What computes: `GPU: <model>`, `CPU: <model>` or `Software adapter: <name>, on CPU: <model>`. */
  readonly devices: readonly string[];
  /** Of the processor; one where a GPU computes for webgpu. */
  readonly threads: number;
  /** Vector instruction sets: the processor's for tensorflow, `wasm SIMD` or nothing for wasm, nothing for webgpu. */
  readonly simd: readonly string[];
  /** In the order in which backends are tried. */
  readonly notChosen: readonly NotChosen[];
  /** Time that opening took. */
  readonly seconds: number;
}

/**
 * Sets the tfjs backend of this process: TensorFlow on CUDA, WebGPU on a GPU, TensorFlow on the CPU, wasm, in this
 * order. PTW_BACKEND, or `preference` where it is unset, demands one of them instead; a software adapter of WebGPU
 * serves only where webgpu is demanded.
 * @throws when a demanded backend cannot be had, with reason and cure: a substitute would compute at another speed
 *   and nobody would notice; or when PTW_BACKEND or PTW_THREADS is not valid.
 */
export async function openBackend(preference?: BackendName, env: Environment = process.env): Promise<OpenBackend> {
  const begun = performance.now();
  const demanded = demandedBackend(env) ?? preference ?? null;
  const search: Search = {
    env,
    threads: threadCount(env),
    installed: await findInstalled(env),
    attempts: { native: null, failures: {}, webgpu: null },
  };
  const facts = demanded === null ? await firstToServe(search) : await theDemanded(demanded, search);
  const { installed, attempts } = search;
  const notChosen = explainOthers({ installed, attempts, demanded, serving: facts });
  return { ...facts, notChosen, seconds: (performance.now() - begun) / 1000 };
}

function demandedBackend(env: Environment): BackendName | undefined {
  const text = env['PTW_BACKEND'] ?? '';
  if (text === '') return undefined;
  const name = BACKEND_NAMES.find((known) => known === text);
  if (name === undefined) {
    throw new RangeError(
      `PTW_BACKEND is "${text}", expected one of ${BACKEND_NAMES.join(', ')}; unset it to choose by itself.`,
    );
  }
  return name;
}

interface Search {
  readonly env: Environment;
  readonly threads: number;
  readonly installed: InstalledVariants;
  /** Filled in while backends are tried. */
  readonly attempts: Attempts;
}

type Facts = Omit<OpenBackend, 'notChosen' | 'seconds'>;

async function firstToServe(search: Search): Promise<Facts> {
  // TensorFlow tells whether it can use a GPU only once it is loaded; without a driver that need not be asked.
  const onCuda = search.installed.driver ? startTensorFlow(search, ['cuda']) : null;
  if (onCuda?.loaded.usesGpu === true) return tensorflowFacts(onCuda);
  const webgpu = await tryWebgpu(search, false);
  if (webgpu !== null) return webgpuFacts(webgpu);
  // The cuda build runs on the CPU too, but the cpu build is as good and smaller.
  const native = onCuda ?? startTensorFlow(search, ['cpu', 'cuda']);
  return native === null ? wasmFacts() : tensorflowFacts(native);
}

async function theDemanded(name: BackendName, search: Search): Promise<Facts> {
  const { installed, attempts } = search;
  switch (name) {
    case 'tensorflow': {
      const native = startTensorFlow(search, installed.driver ? ['cuda', 'cpu'] : ['cpu', 'cuda']);
      if (native !== null) return tensorflowFacts(native);
      throw demandNotMet(name, attempts.failures.cpu ?? attempts.failures.cuda ?? (installed.cpu as Unavailable));
    }
    case 'webgpu': {
      const webgpu = await tryWebgpu(search, true);
      if (webgpu !== null) return webgpuFacts(webgpu);
      throw demandNotMet(name, attempts.webgpu!);
    }
    case 'wasm':
      return wasmFacts();
  }
}

function demandNotMet(name: BackendName, { reason, cure }: { readonly reason: string; readonly cure: string }): Error {
  return new Error(`openBackend: ${name} was demanded, got none: ${reason} ${cure}`);
}

/** The first of the variants that is installed and loads; which of them do not load is noted. */
function startTensorFlow({ installed, threads, attempts }: Search, order: readonly Variant[]): Native | null {
  for (const variant of order) {
    const candidate = installed[variant];
    if (candidate.status !== 'ready' || variant in attempts.failures) continue;
    const loaded = loadTensorFlow(candidate, { threads });
    if (loaded.status === 'loaded') return (attempts.native = { variant, loaded });
    attempts.failures[variant] = loaded;
  }
  return null;
}

async function tryWebgpu({ env, attempts }: Search, allowSoftware: boolean): Promise<WebgpuStarted | null> {
  const outcome = await startWebgpu({ allowSoftware }, env);
  if (outcome.status === 'started') return outcome;
  attempts.webgpu = outcome;
  return null;
}

async function tensorflowFacts({ variant, loaded }: Native): Promise<Facts> {
  registerGradients();
  await tf.setBackend('tensorflow');
  const { version, usesGpu, threads } = loaded;
  const devices = usesGpu ? [...(await gpuNames()), cpuName()] : [cpuName()];
  return { name: 'tensorflow', tensorflowVersion: version, variant, devices, threads, simd: vectorSets() };
}

async function gpuNames(): Promise<string[]> {
  const gpus = await listGpus();
  return gpus.length > 0 ? gpus.map(({ model }) => `GPU: ${model}`) : ['GPU: model not known'];
}

function webgpuFacts({ adapter, software }: WebgpuStarted): Facts {
  const device = software ? `Software adapter: ${adapter}, on ${cpuName()}` : `GPU: ${adapter}`;
  return { name: 'webgpu', devices: [device], threads: 1, simd: [] };
}

async function wasmFacts(): Promise<Facts> {
  const { threads, simd } = await startWasm();
  return { name: 'wasm', devices: [cpuName()], threads, simd: simd ? ['wasm SIMD'] : [] };
}
