import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import nodeUtil from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { bindingPath, logLevelPath } from './cache.ts';
import type { Installed } from './installed.ts';
import type { Unavailable } from './outcome.ts';
import { unavailable } from './outcome.ts';

/** The part of the addon that loading needs. */
interface Addon {
  readonly TF_Version: string;
  isUsingGpuDevice(): boolean;
}

export interface LoadedTensorFlow {
  readonly status: 'loaded';
  readonly version: string;
  /** False on the cuda variant too when TensorFlow found no GPU that it can use. */
  readonly usesGpu: boolean;
  /** Intra-op threads: the user's TF_NUM_INTRAOP_THREADS, else those asked for. */
  readonly threads: number;
}

export interface LoadSettings {
  /** Intra-op threads. */
  readonly threads: number;
}

const requirePackage = createRequire(import.meta.url);
let loaded: { readonly folder: string; readonly result: LoadedTensorFlow } | null = null;

/**
 * Loads the addon of an installation and registers it with tfjs as the backend `tensorflow`, without setting it.
 * A process can hold one TensorFlow; asking for the same one again returns it, another folder is an error.
 * @returns why, where the addon does not load.
 */
export function loadTensorFlow(installed: Installed, { threads }: LoadSettings): LoadedTensorFlow | Unavailable {
  if (loaded !== null) {
    if (loaded.folder === installed.folder) return loaded.result;
    throw new Error(
      `loadTensorFlow: ${loaded.folder} is loaded, got ${installed.folder}; a process can hold one TensorFlow.`,
    );
  }
  prepareEnvironment(threads);
  mendNodeUtil();
  try {
    keepQuiet(installed.folder);
    const addon = requirePackage(bindingPath(installed.folder)) as Addon;
    registerKernels(addon);
    const result: LoadedTensorFlow = {
      status: 'loaded',
      version: addon.TF_Version,
      usesGpu: addon.isUsingGpuDevice(),
      threads: Number(process.env['TF_NUM_INTRAOP_THREADS']),
    };
    loaded = { folder: installed.folder, result };
    return result;
  } catch (error) {
    return unavailable(
      'does-not-load',
      `The binding in ${installed.folder} does not load: ${(error as Error).message}`,
    );
  }
}

/** TensorFlow reads these once, as it is loaded; what the user set stays. */
function prepareEnvironment(threads: number): void {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3';
  process.env['TF_NUM_INTRAOP_THREADS'] ??= String(threads);
  // Ops of a compiled step that may run side by side; without it, as many as there are processors.
  process.env['TF_NUM_INTEROP_THREADS'] ??= String(threads);
}

/** Keeps what TensorFlow logs while it is loaded to the level that TF_CPP_MIN_LOG_LEVEL names: 0 all … 3 fatal only. */
function keepQuiet(folder: string): void {
  const level = Number(process.env['TF_CPP_MIN_LOG_LEVEL']);
  const framework = readdirSync(path.join(folder, 'tensorflow')).find((name) => name.includes('_framework.'));
  if (!Number.isInteger(level) || framework === undefined) return;
  const { setMinLogLevel } = requirePackage(logLevelPath(folder)) as {
    readonly setMinLogLevel: (library: string, level: number) => boolean;
  };
  setMinLogLevel(path.join(folder, 'tensorflow', framework), level);
}

/** tfjs-node 4.22 calls one function that Node took out in version 23, and one that prints a warning when called. */
function mendNodeUtil(): void {
  const util = nodeUtil as unknown as Record<string, unknown>;
  util['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  util['isArray'] = (value: unknown) => Array.isArray(value);
}

/** What the package's own index.js does, but for its search for an addon inside node_modules. */
function registerKernels(addon: Addon): void {
  requirePackage('@tensorflow/tfjs-node-gpu/dist/register_all_kernels');
  const { NodeJSKernelBackend } = requirePackage('@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend') as {
    NodeJSKernelBackend: new (addon: Addon, packageName: string) => tf.KernelBackend;
  };
  const PRIORITY = 3;
  tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(addon, '@tensorflow/tfjs-node-gpu'), PRIORITY);
}
