import * as tf from '@tensorflow/tfjs-core';
import { nativeBackend, type NativeBackend, type NativeBinding } from '../../src/main/engine/ops/native.ts';

/** What an op says under a real limit (libtensorflow 2.21, RLIMIT_AS), the shape aside. */
export const OP_MESSAGE =
  'Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[100,28,28,32] and type float on ' +
  '/job:localhost/replica:0/task:0/device:CPU:0 by allocator mklcpu';

/** What a graph says there. */
export const SESSION_MESSAGE =
  'Session fail to run with error: OOM when allocating tensor with shape[400,100000] and type float on ' +
  '/job:localhost/replica:0/task:0/device:CPU:0 by allocator mklcpu\n\t [[{{node Tile2}}]]\nHint: If you want to see a ' +
  'list of allocated tensors when OOM happens, add report_tensor_allocations_upon_oom to RunOptions for current ' +
  "allocation info. This isn't available when running in Eager mode.\n";

/** On TensorFlow and wasm, what `body` does has memory for tensors of so many rows of a feature map and no more. */
export async function withMemoryFor<T>(rows: number, bytesPerRow: number, body: () => Promise<T>): Promise<T> {
  const native = nativeBackend();
  const restore = native === null ? limitWasm(rows * bytesPerRow) : limitTensorFlow(native, rows);
  try {
    return await body();
  } finally {
    restore();
  }
}

/**
 * Refuses a feature map of more rows from an op, and representations of more rows from a graph. In TensorFlow's words only,
 * since TensorFlow waits ten seconds for memory to come free before it says them.
 */
function limitTensorFlow(native: NativeBackend, rows: number): () => void {
  const held = native as { binding: NativeBinding };
  const { binding } = held;
  const refuseMore = (outputs: ReturnType<NativeBinding['executeOp']>, rank: number, message: string): void => {
    if (outputs.every(({ shape }) => shape.length !== rank || shape[0] <= rows)) return;
    for (const { id } of outputs) binding.deleteTensor(id);
    throw new Error(message);
  };
  held.binding = Object.create(binding, {
    executeOp: {
      value: (...call: Parameters<NativeBinding['executeOp']>) => {
        const outputs = binding.executeOp(...call);
        refuseMore(outputs, 4, OP_MESSAGE);
        return outputs;
      },
    },
    runSavedModel: {
      value: (...call: Parameters<NativeBinding['runSavedModel']>) => {
        const outputs = binding.runSavedModel(...call);
        refuseMore(outputs, 2, SESSION_MESSAGE);
        return outputs;
      },
    },
  }) as NativeBinding;
  return () => (held.binding = binding);
}

/** Passes what is larger on to the allocator as more than it has. */
function limitWasm(bytes: number): () => void {
  const { wasm } = tf.backend() as unknown as { readonly wasm: { _malloc: (bytes: number) => number } };
  const allocate = wasm._malloc;
  wasm._malloc = (asked) => allocate(asked > bytes ? 2 ** 32 : asked);
  return () => (wasm._malloc = allocate);
}
