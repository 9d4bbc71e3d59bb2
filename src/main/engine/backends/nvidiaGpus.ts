import type { Environment } from '../native/command.ts';
import { runCommand } from '../native/command.ts';

/** A GPU as the NVIDIA driver knows it. */
export interface Gpu {
  /** What CUDA_VISIBLE_DEVICES takes. */
  readonly id: string;
  readonly model: string;
}

/**
 * The GPUs that the NVIDIA driver lists and CUDA_VISIBLE_DEVICES, where it is set, lets this process see, in its order;
 * empty where there is no driver.
 */
export async function listGpus(env: Environment = process.env): Promise<Gpu[]> {
  const query = ['--query-gpu=index,uuid,name', '--format=csv,noheader'];
  const { status, output } = await runCommand(['nvidia-smi'], query, env);
  if (status !== 0) return [];
  const all = output.split('\n').flatMap((line) => {
    const [index, id, ...model] = line.split(',').map((field) => field.trim());
    return model.length === 0 ? [] : [{ index, id, model: model.join(', ') }];
  });
  const visible = env['CUDA_VISIBLE_DEVICES'] ?? '';
  const chosen =
    visible === ''
      ? all
      : visible.split(',').flatMap((text) => {
          const name = text.trim();
          return all.find(({ index, id }) => name === index || (name !== '' && id.startsWith(name))) ?? [];
        });
  return chosen.map(({ id, model }) => ({ id, model }));
}

/** Those of the first one's model: on another one the last digits of a result may be others. */
export function alike(gpus: readonly Gpu[]): Gpu[] {
  return gpus.filter(({ model }) => model === gpus[0].model);
}
