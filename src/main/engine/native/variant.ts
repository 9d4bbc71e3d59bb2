import { existsSync } from 'node:fs';
import { runCommand } from './command.ts';
import type { Environment } from './command.ts';
import type { Unavailable } from './outcome.ts';
import { unavailable } from './outcome.ts';
import { TENSORFLOW_VERSION } from './wheels.ts';
import type { Variant } from './wheels.ts';

export const TENSORFLOW_CHOICES = ['cpu', 'cuda', 'none'] as const;

/** Where the dynamic loader finds the driver's library on the usual Linux distributions and in WSL 2. */
const DRIVER_FILES = [
  '/proc/driver/nvidia/version',
  '/usr/lib/x86_64-linux-gnu/libcuda.so.1',
  '/usr/lib64/libcuda.so.1',
  '/usr/lib/libcuda.so.1',
  '/usr/lib/wsl/lib/libcuda.so.1',
];

/** Whether an NVIDIA driver is there: its files, or an `nvidia-smi` that works. */
export async function hasNvidiaDriver(env: Environment = process.env): Promise<boolean> {
  if (DRIVER_FILES.some((file) => existsSync(file))) return true;
  return (await runCommand(['nvidia-smi'], ['-L'], env)).status === 0;
}

export type VariantChoice =
  { readonly status: 'chosen'; readonly variant: Variant; readonly by: 'user' | 'default' } | Unavailable;

/** The variant that PTW_TENSORFLOW names; without it, cuda where there is an NVIDIA driver, else cpu. */
export async function chooseVariant(
  env: Environment,
  hasDriver: () => Promise<boolean> = () => hasNvidiaDriver(env),
): Promise<VariantChoice> {
  const named = env['PTW_TENSORFLOW'] ?? '';
  switch (named) {
    case 'cpu':
    case 'cuda':
      return { status: 'chosen', variant: named, by: 'user' };
    case 'none':
      return unavailable('chosen-none', 'PTW_TENSORFLOW=none chooses to do without native TensorFlow.');
    case '':
      return { status: 'chosen', variant: (await hasDriver()) ? 'cuda' : 'cpu', by: 'default' };
    default:
      return unavailable(
        'unknown-choice',
        `PTW_TENSORFLOW is "${named}", expected one of ${TENSORFLOW_CHOICES.join(', ')}.`,
      );
  }
}

/** Says why a platform has no wheel, and what its user can do. */
export function noWheel(platform: string, arch: string, variant: Variant): Unavailable {
  if (platform === 'win32') {
    return unavailable(
      'unsupported-platform',
      'The TensorFlow wheel for Windows has no C library to link against.',
      'The wasm backend serves; for native speed use WSL 2.',
    );
  }
  if (variant === 'cuda') {
    return unavailable(
      'unsupported-platform',
      `There is no CUDA build of TensorFlow for ${platform} on ${arch}, only for linux on x64.`,
      'Set PTW_TENSORFLOW=cpu and run: npm run setup:tensorflow',
    );
  }
  return unavailable(
    'unsupported-platform',
    `There is no TensorFlow ${TENSORFLOW_VERSION} wheel for ${platform} on ${arch}.`,
  );
}
