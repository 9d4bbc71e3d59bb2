import { countFrom, memoryBytes, threadCount } from '../backends/machine.ts';
import type { OpenBackend } from '../backends/openBackend.ts';
import { alike, listGpus, type Gpu } from '../backends/nvidiaGpus.ts';

/** Above this a machine of many processors would spend more memory on engines than the time is worth. */
const MOST_BY_DEFAULT = 8;
/** Memory, in bytes, for each engine of TensorFlow: it takes 0.8 GB with a small network and gigabytes with the widest. */
const MEMORY_OF_ENGINE = 2 ** 31;

/** The engines of this machine. */
export interface EnginePlan {
  /** What the first engine sees of the machine: it says what backend serves, and does the jobs that cannot be divided. */
  readonly first: NodeJS.ProcessEnv;
  /**
   * Those that share jobs by instance: as many as PTW_ENGINES says, or else one for each GPU of the first one's model on CUDA, one for each
   * processor on wasm, which has one thread, and on TensorFlow's CPU, where the memory is for them, and one everywhere else.
   * @param backend what the first engine opened
   * @throws RangeError when PTW_ENGINES asks for more than there are GPUs
   */
  sharingOn(backend: OpenBackend): Sharing;
}

export interface Sharing {
  /** What each of them sees of the machine; one at least. */
  readonly environments: readonly NodeJS.ProcessEnv[];
  /** Whether the first engine is the first of them, and jobs that cannot be divided are spread over them too. */
  readonly withFirst: boolean;
}

/**
 * @param memory of the machine, bytes
 * @throws RangeError when PTW_ENGINES is not a whole number of at least 1
 */
export async function planEngines(
  env: NodeJS.ProcessEnv = process.env,
  memory: number = memoryBytes(),
): Promise<EnginePlan> {
  const demanded = countFrom(env, 'PTW_ENGINES', 'to choose by itself');
  const gpus = alike(await listGpus(env));
  const environmentOf = (place: number): NodeJS.ProcessEnv => (gpus.length < 2 ? env : onGpu(env, gpus[place]));
  const together = (engines: number): Sharing => ({
    environments: Array.from({ length: engines }, (_, place) => environmentOf(place)),
    withFirst: true,
  });
  return {
    first: environmentOf(0),
    sharingOn: (backend) => {
      if (backend.variant === 'cuda' && backend.devices[0].startsWith('GPU')) return together(onCuda(demanded, gpus));
      if (backend.name === 'webgpu') return together(demanded ?? 1);
      const byThreads = Math.min(threadCount(env), MOST_BY_DEFAULT);
      if (backend.name === 'wasm') return together(demanded ?? byThreads);
      const count = demanded ?? Math.max(1, Math.min(byThreads, Math.floor(memory / MEMORY_OF_ENGINE)));
      return count > 1 ? apart(environmentOf(0), count) : together(1);
    },
  };
}

/**
 * TensorFlow's threads wait for each other at the end of every op, and for whatever else has taken one's processor. Engines of a thread each do
 * not, with the same results; a training, which cannot be divided, still wants all threads of one engine.
 */
function apart(env: NodeJS.ProcessEnv, engines: number): Sharing {
  const threads = Math.max(1, Math.floor(threadCount(env) / engines));
  return {
    environments: Array.from({ length: engines }, () => ({ ...env, PTW_THREADS: `${threads}` })),
    withFirst: false,
  };
}

/** TensorFlow takes nearly all memory of a GPU, so that a second engine on the same one would find none. */
function onCuda(demanded: number | null, gpus: readonly Gpu[]): number {
  const most = Math.max(1, gpus.length);
  if (demanded !== null && demanded > most) {
    throw new RangeError(
      `PTW_ENGINES is ${demanded}, expected at most ${most}: there is one engine for each GPU alike.`,
    );
  }
  return demanded ?? most;
}

function onGpu(env: NodeJS.ProcessEnv, { id }: Gpu): NodeJS.ProcessEnv {
  // CUDA numbers GPUs by speed unless told to number them as nvidia-smi does; ids make no such difference.
  return { ...env, CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: id };
}
