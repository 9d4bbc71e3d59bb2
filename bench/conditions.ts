import { loadavg } from 'node:os';
import type { OpenBackend } from '../src/main/engine/backends/openBackend.ts';

/** Before the bench adds its own. */
const loadBefore = loadavg()[0];

/**
 * Gives our side its threads: the environment is read as TensorFlow is loaded, here and in the engine's process, which inherits it.
 * Variables of the user's that would override it go.
 */
export function setThreads(threads: number): void {
  process.env['PTW_THREADS'] = String(threads);
  delete process.env['TF_NUM_INTRAOP_THREADS'];
  delete process.env['TF_NUM_INTEROP_THREADS'];
}

/** Processor, threads, versions, date and how busy the machine was: what a table of times has to be read with. */
export function conditionsOf(
  { devices, threads, simd, name, tensorflowVersion }: OpenBackend,
  reference: Readonly<Record<string, string>> = {},
): string {
  const versions = [
    `Node ${process.versions.node}`,
    ...(tensorflowVersion === undefined ? [`backend ${name}`] : [`TensorFlow ${tensorflowVersion}`]),
    ...Object.entries(reference).flatMap(([what, version]) => (what === 'threads' ? [] : [`${what} ${version}`])),
  ];
  const day = new Date().toISOString().slice(0, 10);
  return (
    `${devices.join(', ')} (${simd.join(', ')}); ${threads} threads a side; ${versions.join(', ')}; ${day}. ` +
    `Load average of the machine before: ${loadBefore.toFixed(1)}.`
  );
}
