import { createRequire } from 'node:module';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { getThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import {
  composeConv2DBackpropFilter,
  composeConv2DBackpropInput,
  composeUnsortedSegmentSum,
  mendStridedSlice,
} from './composedKernels.ts';
import { registerGradients } from './gradients.ts';

export interface WasmFacts {
  readonly threads: number;
  readonly simd: boolean;
}

let mended = false;

/** Makes wasm the tfjs backend in use, with the kernels that training needs. */
export async function startWasm(): Promise<WasmFacts> {
  registerGradients();
  mendKernels();
  // By file path: the package's own guess is the folder of the script that was started.
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  if (tf.getBackend() !== 'wasm') {
    setWasmPaths(path.dirname(main) + path.sep);
    if (!(await tf.setBackend('wasm'))) {
      throw new Error('The wasm backend did not start; run npm ci again, its files may be damaged.');
    }
  }
  refuseFailedAllocations();
  const simd = (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) as boolean;
  return { threads: getThreadsCount(), simd };
}

interface WasmModule {
  _malloc: (bytes: number) => number;
  readonly _free: (address: number) => void;
}

let guarded: WasmModule | null = null;

/** Just below 4 GB the allocator's sums wrap, and it gives the address of a few bytes; that much never fits beside the module. */
const LARGEST_REQUEST = 2 ** 32 - 2 ** 20;

/**
 * Past 4 GB the module's allocator gives address 0, and tfjs takes it for a tensor's: it writes over the module's own data
 * and computes on with what it reads there. Here it is an error, before anything is written.
 */
function refuseFailedAllocations(): void {
  const { wasm } = tf.backend() as unknown as { readonly wasm: WasmModule };
  if (guarded === wasm) return;
  guarded = wasm;
  // The first call replaces the function by the one that it stands for.
  wasm._free(wasm._malloc(1));
  const allocate = wasm._malloc;
  wasm._malloc = (bytes) => {
    const address = bytes > LARGEST_REQUEST ? 0 : allocate(bytes);
    if (address === 0 && bytes > 0) throw new Error(`wasm: memory ran out, asked for ${bytes} bytes of at most 4 GB`);
    return address;
  };
}

function mendKernels(): void {
  if (mended) return;
  mended = true;
  mendStridedSlice('wasm');
  composeConv2DBackpropFilter('wasm');
  composeConv2DBackpropInput('wasm');
  composeUnsortedSegmentSum('wasm');
}
