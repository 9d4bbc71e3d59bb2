import * as tf from '@tensorflow/tfjs-core';
import type { Environment } from '../native/command.ts';
import { findInstalled } from '../native/installed.ts';
import type { Installed, InstalledVariants } from '../native/installed.ts';
import { loadTensorFlow } from '../native/load.ts';
import type { LoadedTensorFlow } from '../native/load.ts';
import type { Unavailable } from '../native/outcome.ts';
import type { Variant } from '../native/wheels.ts';
import { registerGradients } from './gradients.ts';
import { cpuName, gpuNames, threadCount, vectorSets } from './machine.ts';
import { startWasm } from './wasm.ts';

export const BACKEND_NAMES = ['tensorflow', 'wasm'] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];

/** A backend that does not serve, why, and what to do to have it: one sentence each. */
export interface NotChosen {
  readonly backend: 'tensorflow-cuda' | 'tensorflow-cpu' | 'wasm';
  readonly reason: string;
  readonly cure: string;
}

export interface OpenBackend {
  readonly name: BackendName;
  /** Of the C library; absent on wasm. */
  readonly tensorflowVersion?: string;
  readonly variant?: Variant;
  /** What computes: `GPU: <model>` or `CPU: <model>`. */
  readonly devices: readonly string[];
  readonly threads: number;
  /** Vector instruction sets: the processor's for tensorflow, `wasm SIMD` or nothing for wasm. */
  readonly simd: readonly string[];
  /** In the order in which backends are tried. */
  readonly notChosen: readonly NotChosen[];
  /** Time that opening took. */
  readonly seconds: number;
}

/**
 * Sets the tfjs backend of this process: TensorFlow on CUDA, TensorFlow on the CPU, wasm, in this order.
 * PTW_BACKEND, or `preference` where it is unset, demands one of them instead.
 * @throws when a demanded backend cannot be had, with reason and cure: a substitute would compute at another speed
 *   and nobody would notice; or when PTW_BACKEND or PTW_THREADS is not valid.
 */
export async function openBackend(preference?: BackendName, env: Environment = process.env): Promise<OpenBackend> {
  const started = performance.now();
  const demanded = demandedBackend(env) ?? preference;
  const threads = threadCount(env);
  const installed = await findInstalled(env);
  const failures: Failures = {};
  const native = demanded === 'wasm' ? null : startTensorFlow(installed, threads, failures);
  if (demanded === 'tensorflow' && native === null) throw demandNotMet(installed, failures);
  const facts = native === null ? await wasmFacts() : await tensorflowFacts(native);
  const notChosen = explainOthers({ installed, failures, native });
  return { ...facts, notChosen, seconds: (performance.now() - started) / 1000 };
}

function demandedBackend(env: Environment): BackendName | undefined {
  const text = env['PTW_BACKEND'] ?? '';
  if (text === '') return undefined;
  const name = BACKEND_NAMES.find((known) => known === text);
  if (name === undefined) {
    throw new RangeError(
      `PTW_BACKEND is "${text}", expected ${BACKEND_NAMES.join(' or ')}; unset it to choose by itself.`,
    );
  }
  return name;
}

interface Native {
  readonly installed: Installed;
  readonly loaded: LoadedTensorFlow;
}

/** Installations that were there and did not load. */
type Failures = Partial<Record<Variant, Unavailable>>;

/** The cuda build runs on the CPU too, but without a driver the cpu build is as good and smaller. */
function startTensorFlow(installed: InstalledVariants, threads: number, failures: Failures): Native | null {
  const order: readonly Variant[] = installed.driver ? ['cuda', 'cpu'] : ['cpu', 'cuda'];
  for (const variant of order) {
    const candidate = installed[variant];
    if (candidate.status !== 'ready') continue;
    const loaded = loadTensorFlow(candidate, { threads });
    if (loaded.status === 'unavailable') {
      failures[variant] = loaded;
      continue;
    }
    registerGradients();
    void tf.setBackend('tensorflow');
    return { installed: candidate, loaded };
  }
  return null;
}

type Facts = Omit<OpenBackend, 'notChosen' | 'seconds'>;

async function tensorflowFacts({ installed: { variant }, loaded }: Native): Promise<Facts> {
  const { version, usesGpu, threads } = loaded;
  const devices = usesGpu ? [...(await gpuNames()), cpuName()] : [cpuName()];
  return { name: 'tensorflow', tensorflowVersion: version, variant, devices, threads, simd: vectorSets() };
}

async function wasmFacts(): Promise<Facts> {
  const { threads, simd } = await startWasm();
  return { name: 'wasm', devices: [cpuName()], threads, simd: simd ? ['wasm SIMD'] : [] };
}

function demandNotMet(installed: InstalledVariants, failures: Failures): Error {
  const { reason, cure } = failures.cpu ?? failures.cuda ?? (installed.cpu as Unavailable);
  return new Error(`openBackend: tensorflow was demanded, got none: ${reason} ${cure}`);
}

interface Situation {
  readonly installed: InstalledVariants;
  readonly failures: Failures;
  /** Null when wasm serves. */
  readonly native: Native | null;
}

function explainOthers(situation: Situation): NotChosen[] {
  const { native } = situation;
  const others = [explainVariant('cuda', situation), explainVariant('cpu', situation)].filter((one) => one !== null);
  if (native === null) return others;
  return [
    ...others,
    {
      backend: 'wasm',
      reason: 'TensorFlow serves, and is faster.',
      cure: 'Set PTW_BACKEND=wasm to use it all the same.',
    },
  ];
}

function explainVariant(variant: Variant, { installed, failures, native }: Situation): NotChosen | null {
  const backend = `tensorflow-${variant}` as const;
  const found = failures[variant] ?? installed[variant];
  if (found.status === 'unavailable') return { backend, reason: found.reason, cure: found.cure };
  if (native === null) {
    return { backend, reason: 'The wasm backend was demanded.', cure: 'Unset PTW_BACKEND, or set it to tensorflow.' };
  }
  if (native.installed.variant !== variant) return explainOtherBuild(variant);
  if (variant === 'cpu' || native.loaded.usesGpu) return null;
  return {
    backend,
    reason: 'The CUDA build serves, but TensorFlow found no GPU that it can use, so the CPU computes.',
    cure: 'Set TF_CPP_MIN_LOG_LEVEL=0 and run: ptw doctor, to read why.',
  };
}

/** Both builds are installed, and a process can hold one. */
function explainOtherBuild(variant: Variant): NotChosen {
  return variant === 'cpu'
    ? { backend: 'tensorflow-cpu', reason: 'The CUDA build serves.', cure: 'Set PTW_TENSORFLOW=cpu to use the other.' }
    : { backend: 'tensorflow-cuda', reason: 'No NVIDIA driver was found.', cure: 'Install the driver of the GPU.' };
}
