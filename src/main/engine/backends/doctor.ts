import * as tf from '@tensorflow/tfjs-core';
import { bytesBelow } from '../../data/filesBelow.ts';
import { cacheRoot } from '../native/cache.ts';
import type { Environment } from '../native/command.ts';
import { cpuName, threadCount, vectorSets } from './machine.ts';
import { openBackend } from './openBackend.ts';
import type { BackendName, OpenBackend } from './openBackend.ts';

/** What `ptw doctor` prints of the backends. */
export interface BackendReport {
  readonly serving: OpenBackend;
  readonly versions: {
    readonly node: string;
    readonly tfjs: string;
    /** Null where wasm serves. */
    readonly tensorflow: string | null;
  };
  readonly processor: {
    readonly name: string;
    /** The processor's own, whatever serves. */
    readonly vectorSets: readonly string[];
    /** Threads that a native backend may use. */
    readonly threads: number;
  };
  readonly cache: {
    readonly folder: string;
    readonly bytes: number;
  };
}

/** Opens the backend that a run would use and reports on it, on the ones that were passed over, and on the cache. */
export async function inspectBackends(
  preference?: BackendName,
  env: Environment = process.env,
): Promise<BackendReport> {
  const serving = await openBackend(preference, env);
  const folder = cacheRoot(env);
  return {
    serving,
    versions: {
      node: process.versions.node,
      tfjs: tf.version_core,
      tensorflow: serving.tensorflowVersion ?? null,
    },
    processor: { name: cpuName(), vectorSets: vectorSets(), threads: threadCount(env) },
    cache: { folder, bytes: bytesBelow(folder) },
  };
}
