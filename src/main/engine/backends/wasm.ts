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
  const simd = (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) as boolean;
  return { threads: getThreadsCount(), simd };
}

function mendKernels(): void {
  if (mended) return;
  mended = true;
  mendStridedSlice('wasm');
  composeConv2DBackpropFilter('wasm');
  composeConv2DBackpropInput('wasm');
  composeUnsortedSegmentSum('wasm');
}
