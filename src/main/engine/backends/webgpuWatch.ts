import type * as tf from '@tensorflow/tfjs-core';
import type { AdapterInfo } from './webgpuAdapter.ts';

/** The part of a GPUDevice that watching needs. */
export interface GpuDevice {
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  addEventListener(type: 'uncapturederror', listener: (event: { readonly error: Error }) => void): void;
}

/** The part of tfjs's backend that is overridden; `tensorMap` has a tensor's values where they are on the host too. */
interface WebgpuBackend extends tf.KernelBackend {
  readonly tensorMap: { get(dataId: object): { readonly values?: BackendValues | null } };
}
/** tfjs has the name, but does not export it. */
type BackendValues = ReturnType<tf.KernelBackend['readSync']>;
export type WebgpuBackendClass = new (device: GpuDevice, info: AdapterInfo) => WebgpuBackend;

/**
 * tfjs's backend, with nothing that goes wrong on the device left unsaid. A command that the device refuses (memory,
 * a limit, a shader) leaves its output as it was and tfjs goes on computing with it, so the error is thrown by the next
 * read: no result can leave the device unseen. It is thrown once, and what was computed before it is not to be used;
 * a device that was lost throws always.
 */
export function watchedBackend(Backend: WebgpuBackendClass, device: GpuDevice, info: AdapterInfo): tf.KernelBackend {
  let refused: Error | null = null;
  let lost: Error | null = null;
  device.addEventListener('uncapturederror', ({ error }) => {
    // The first one is the cause; others follow from it.
    refused ??= new Error(`webgpu: the device refused a command (${error.constructor.name}): ${error.message}`);
  });
  void device.lost.then(({ reason, message }) => {
    lost = new Error(
      `webgpu: the device was lost (${reason}): ${message} Start again; on the same fault, see ptw doctor.`,
    );
  });
  class WatchedBackend extends Backend {
    override async read(dataId: object): Promise<BackendValues> {
      const values = await super.read(dataId);
      const error = lost ?? refused;
      refused = null;
      if (error !== null) throw error;
      return values;
    }
    override readSync(dataId: object): BackendValues {
      const { values } = this.tensorMap.get(dataId);
      if (values !== null && values !== undefined) return values;
      throw new Error(
        'internal: webgpu: dataSync of a tensor on the GPU, which can only be awaited; use tensor.data()',
      );
    }
  }
  return new WatchedBackend(device, info);
}
