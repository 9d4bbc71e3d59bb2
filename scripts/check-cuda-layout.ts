// `npm run check:cuda`: sets up the CUDA build (gigabytes) on a machine that need not have a GPU, and checks what can
// be checked there: every library resolves, TensorFlow loads, and without a GPU the CPU computes a right product.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '../src/main/engine/native/command.ts';
import { installTensorFlow } from '../src/main/engine/native/install.ts';
import { hasNvidiaDriver } from '../src/main/engine/native/variant.ts';

/** Comes with the driver, not with the wheels. */
const DRIVER_LIBRARIES = ['libcuda.so.1', 'libnvidia-ml.so.1'];

const MULTIPLY_PROGRAM = `
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from './src/main/engine/backends/openBackend.ts';
const { variant, tensorflowVersion, devices } = await openBackend('tensorflow');
const product = tf.matMul(tf.fill([3, 5], 2), tf.fill([5, 4], 3));
const right = product.shape.join() === '3,4' && product.dataSync().every((value) => value === 30);
console.log(JSON.stringify({ variant, tensorflowVersion, devices, right }));
`;

interface Answer {
  readonly variant: string;
  readonly tensorflowVersion: string;
  readonly devices: readonly string[];
  readonly right: boolean;
}

function fail(message: string): never {
  console.error(`check:cuda: ${message}`);
  process.exit(1);
}

/** Shared libraries of an installation, by path. */
function sharedLibraries(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.so(\.[\d.]+)?$|\.node$/.test(name))
    .map((name) => path.join(folder, name));
}

/** Names that ldd does not find for one library; the loader's own paths are not used, only the run paths inside. */
async function unresolved(library: string): Promise<string[]> {
  const { LD_LIBRARY_PATH: _, ...env } = process.env;
  const { output, missing } = await runCommand(['ldd'], [library], env);
  if (missing) fail('ldd was not found, expected on Linux; run this check there.');
  return [...output.matchAll(/^\s*(\S+) => not found/gm)].map((match) => match[1]);
}

async function checkLibraries(folder: string): Promise<void> {
  const libraries = sharedLibraries(folder);
  let failures = 0;
  for (const library of libraries) {
    const lost = (await unresolved(library)).filter((name) => !DRIVER_LIBRARIES.includes(name));
    if (lost.length > 0) {
      console.error(`${path.relative(folder, library)}: not found: ${lost.join(', ')}`);
      failures++;
    }
  }
  if (failures > 0) fail(`${failures} of ${libraries.length} libraries do not resolve.`);
  console.log(
    `${libraries.length} libraries resolve (${DRIVER_LIBRARIES.join(', ')} aside, which come with the driver).`,
  );
}

async function checkProduct(): Promise<void> {
  const env = { ...process.env, PTW_TENSORFLOW: 'cuda', PTW_BACKEND: 'tensorflow' };
  const { status, output } = await runCommand(
    [process.execPath],
    ['--input-type=module-typescript', '-e', MULTIPLY_PROGRAM],
    env,
  );
  const line = output.split('\n').find((text) => text.startsWith('{'));
  if (status !== 0 || line === undefined) fail(`TensorFlow did not load or multiply:\n${output}`);
  const answer = JSON.parse(line) as Answer;
  if (answer.variant !== 'cuda') fail(`the variant that served is ${answer.variant}, expected cuda.`);
  if (!answer.right) fail('the matrix product is wrong.');
  const gpus = answer.devices.filter((device) => device.startsWith('GPU'));
  if (gpus.length > 0 && !(await hasNvidiaDriver())) fail(`no NVIDIA driver was found, got ${gpus.join(', ')}.`);
  console.log(
    `TensorFlow ${answer.tensorflowVersion} multiplied rightly on ${gpus.length > 0 ? gpus.join(', ') : answer.devices.join(', ')}.`,
  );
}

const outcome = await installTensorFlow({
  env: process.env,
  variant: 'cuda',
  log: (line) => {
    console.log(line);
  },
});
if (outcome.status === 'unavailable') fail(`${outcome.reason} ${outcome.cure}`);
console.log(`The CUDA build is in ${outcome.folder}.`);
await checkLibraries(outcome.folder);
await checkProduct();
