import { bindingPath } from './cache.ts';
import { lastTellingLine, runCommand } from './command.ts';
import type { Environment } from './command.ts';
import { stop } from './outcome.ts';

const LOAD_PROGRAM = `
const addon = { exports: {} };
process.dlopen(addon, process.argv[1]);
console.log('TensorFlow ' + addon.exports.TF_Version);
`;

/**
 * Loads the addon in a process of its own: a processor without AVX ends it by a signal, an old C library by an error,
 * and neither may take this process with it. Stops the installation when it does not load.
 */
export async function checkThatItLoads(folder: string, env: Environment): Promise<void> {
  const childEnv = { TF_CPP_MIN_LOG_LEVEL: '3', ...env, ELECTRON_RUN_AS_NODE: '1' };
  const result = await runCommand([process.execPath], ['-e', LOAD_PROGRAM, bindingPath(folder)], childEnv);
  if (result.status === 0 && result.output.includes('TensorFlow 2.')) return;
  const said = result.signal === null ? lastTellingLine(result.output, ['Error']) : `ended by ${result.signal}`;
  stop('does-not-load', `The compiled binding does not load: ${said}`);
}
