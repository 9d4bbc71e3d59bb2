import { countFrom, threadCount } from '../backends/machine.ts';
import type { OpenBackend } from '../backends/openBackend.ts';
import { alike, listGpus, type Gpu } from '../backends/nvidiaGpus.ts';

/** Above this a machine of many processors would spend more memory on engines than the time is worth. */
const MOST_BY_DEFAULT = 8;

/** How many engines serve on this machine, and what each of them sees of it. */
export interface EnginePlan {
  /** Of the engine in this place, from 0. Where several NVIDIA GPUs serve, each engine sees its own alone. */
  environmentOf(place: number): NodeJS.ProcessEnv;
  /**
   * PTW_ENGINES, or else one for each GPU of the first one's model on CUDA, one for each processor on wasm, which has
   * one thread, and one everywhere else.
   * @param backend what the first engine opened
   * @throws RangeError when PTW_ENGINES asks for more than there are GPUs
   */
  countOn(backend: OpenBackend): number;
}

/** @throws RangeError when PTW_ENGINES is not a whole number of at least 1 */
export async function planEngines(env: NodeJS.ProcessEnv = process.env): Promise<EnginePlan> {
  const demanded = countFrom(env, 'PTW_ENGINES', 'to choose by itself');
  const gpus = alike(await listGpus(env));
  return {
    environmentOf: (place) => (gpus.length < 2 ? env : onGpu(env, gpus[place])),
    countOn: (backend) => {
      if (backend.variant === 'cuda' && backend.devices[0].startsWith('GPU')) return onCuda(demanded, gpus);
      if (demanded !== null) return demanded;
      return backend.name === 'wasm' ? Math.min(threadCount(env), MOST_BY_DEFAULT) : 1;
    },
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
