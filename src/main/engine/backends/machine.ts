import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Environment } from '../native/command.ts';

/**
 * Threads that one TensorFlow op may use: PTW_THREADS, else the processors that this process may run on.
 * @throws when PTW_THREADS is not a whole number of at least 1.
 */
export function threadCount(env: Environment = process.env): number {
  return countFrom(env, 'PTW_THREADS', 'for all processors') ?? availableParallelism();
}

/**
 * A count that a variable demands; null where it is unset or empty.
 * @param unset what unsetting it is good for, for the error
 * @throws RangeError when it is not a whole number of at least 1
 */
export function countFrom(env: Environment, name: string, unset: string): number | null {
  const text = env[name] ?? '';
  if (text === '') return null;
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new RangeError(`${name} is "${text}", expected a whole number of at least 1; unset it ${unset}.`);
  }
  return count;
}

/** Of the machine, or what a container leaves this process of it. */
export function memoryBytes(): number {
  // 0 where there is no limit, or a number beyond any memory.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** The vector instruction sets that matter to matrix products, as one name each. */
const FLAG_NAMES: readonly (readonly [flag: RegExp, name: string])[] = [
  [/\bavx2\b/, 'AVX2'],
  [/\bfma\b/, 'FMA'],
  [/\bavx512f\b/, 'AVX-512'],
  [/\bavx512_bf16\b/, 'AVX-512 BF16'],
  [/\bavx512_vnni\b/, 'AVX-512 VNNI'],
  [/\bamx_tile\b/, 'AMX'],
  [/\basimd\b/, 'NEON'],
  [/\bsve\b/, 'SVE'],
];

/** The processor's vector instruction sets from the text of /proc/cpuinfo. */
export function vectorSetsOf(cpuinfo: string): string[] {
  const line = cpuinfo.split('\n').find((text) => /^(flags|Features)\s*:/.test(text)) ?? '';
  return FLAG_NAMES.filter(([flag]) => flag.test(line)).map(([, name]) => name);
}

/** The vector instruction sets of this processor; empty where the system does not tell. */
export function vectorSets(): string[] {
  if (process.platform === 'darwin' && process.arch === 'arm64') return ['NEON'];
  try {
    return vectorSetsOf(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return [];
  }
}

/** `CPU: <model>` */
export function cpuName(): string {
  return `CPU: ${cpus()[0]?.model.trim() ?? process.arch}`;
}
