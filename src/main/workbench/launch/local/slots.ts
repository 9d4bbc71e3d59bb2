import { availableParallelism } from 'node:os';
import { alike, listGpus } from '../../../engine/backends/nvidiaGpus.ts';

/** What one task of this machine may use: a GPU, or a share of the processors. */
export interface Slot {
  readonly name: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** Processors that a task has to itself where nobody says otherwise; more speed a single one up less and less. */
const PROCESSORS_A_TASK = 8;

/** @param workers tasks at once; null for one a GPU, or else one for 8 processors */
export async function slotsOf(workers: number | null, environment: NodeJS.ProcessEnv = process.env): Promise<Slot[]> {
  const gpus = alike(await listGpus(environment));
  if (gpus.length > 0) {
    return gpus.slice(0, workers ?? gpus.length).map(({ id }, i) => ({
      name: `gpu-${i}`,
      // Ids mean the same whatever order CUDA numbers GPUs in.
      environment: { CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: id, PTW_ENGINES: '1' },
    }));
  }
  const processors = availableParallelism();
  const count = workers ?? Math.max(1, Math.floor(processors / PROCESSORS_A_TASK));
  const threads = String(Math.max(1, Math.floor(processors / count)));
  return Array.from({ length: count }, (_, i) => ({
    name: `cpu-${i}`,
    environment: { PTW_THREADS: environment['PTW_THREADS'] ?? threads, PTW_ENGINES: '1' },
  }));
}
