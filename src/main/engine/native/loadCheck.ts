import { lastTellingLine, runCommand } from './command.ts';
import type { Environment } from './command.ts';

/**
 * Loads an addon in a process that it may end: a processor without AVX ends it by a signal, an old C library by an error, and
 * neither may take the host with it.
 * @returns what went wrong; null where it loads
 */
export type TryToLoad = (binding: string) => Promise<string | null>;

const LOAD_PROGRAM = `
const addon = { exports: {} };
process.dlopen(addon, process.argv[1]);
console.log('TensorFlow ' + addon.exports.TF_Version);
`;

/** In a Node of its own. A packed application has none: `process.execPath` is the application itself there. */
export const tryInNode =
  (env: Environment): TryToLoad =>
  async (binding) => {
    const childEnv = { TF_CPP_MIN_LOG_LEVEL: '3', ...env };
    const result = await runCommand([process.execPath], ['-e', LOAD_PROGRAM, binding], childEnv);
    if (result.status === 0 && result.output.includes('TensorFlow 2.')) return null;
    return result.signal === null ? lastTellingLine(result.output, ['Error']) : `ended by ${result.signal}`;
  };
