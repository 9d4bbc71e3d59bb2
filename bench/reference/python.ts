import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot } from '../../src/main/engine/native/cache.ts';

export const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url));
export const WORKER = fileURLToPath(new URL('worker.py', import.meta.url));

/** The reference's virtual environment: in the user's cache, since it takes gigabytes and belongs to no checkout. */
export function environmentFolder(): string {
  return join(cacheRoot(), 'bench-reference');
}

export function pythonOf(environment: string): string {
  return process.platform === 'win32' ? join(environment, 'Scripts', 'python.exe') : join(environment, 'bin', 'python');
}

/** The reference's Python: PTW_BENCH_PYTHON, else that of the environment that `npm run bench:setup` makes; null for none. */
export function findReference(): string | null {
  const chosen = process.env['PTW_BENCH_PYTHON'] ?? '';
  if (chosen !== '') return chosen;
  const python = pythonOf(environmentFolder());
  return existsSync(python) ? python : null;
}

export const HOW_TO_SET_UP =
  'The PyTorch reference is not set up: run `npm run bench:setup` (a virtual environment in the user cache, 6 GB where pip ' +
  'brings the CUDA build), or name a Python that has bench/reference/requirements.txt in PTW_BENCH_PYTHON, or pass --ours.';
