import { countFrom, memoryBytes, threadCount } from '../backends/machine.ts';
import type { BackendName, OpenBackend } from '../backends/openBackend.ts';
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
  const ofGpus = gpus.length < 2 ? [env] : gpus.map((gpu) => onGpu(env, gpu));
  const first = ofGpus[0];
  return {
    first,
    sharingOn: (backend) => {
      if (backend.variant === 'cuda' && backend.devices[0].startsWith('GPU')) {
        return { environments: ofGpus.slice(0, onCuda(demanded, gpus)), withFirst: true };
      }
      const count = demanded ?? countWithoutCuda(backend.name, { threads: threadCount(env), memory });
      if (backend.name === 'tensorflow' && count > 1) return apart(first, count);
      return { environments: Array.from({ length: count }, () => first), withFirst: true };
    },
  };
}

function countWithoutCuda(name: BackendName, { threads, memory }: { threads: number; memory: number }): number {
  if (name === 'webgpu') return 1;
  const most = name === 'wasm' ? Infinity : Math.max(1, Math.floor(memory / MEMORY_OF_ENGINE));
  return Math.min(threads, most, MOST_BY_DEFAULT);
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
