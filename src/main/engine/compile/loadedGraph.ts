import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../ops/native.ts';
import { TAG, type SavedGraph } from './savedModel.ts';

/** A graph in TensorFlow's memory. */
export interface LoadedGraph {
  /** @returns new tensors, the caller's, in the order of the graph's outputs */
  run(inputs: readonly tf.Tensor[]): tf.Tensor[];
  dispose(): void;
}

/**
 * Loads a graph. TensorFlow reads graphs from a folder only; it is gone again on return.
 * @throws what TensorFlow says of a graph that it cannot import
 */
export function loadGraph(native: NativeBackend, { bytes, inputs, outputs }: SavedGraph): LoadedGraph {
  const { binding } = native;
  const folder = mkdtempSync(path.join(tmpdir(), 'ptw-graph-'));
  let id: number;
  try {
    writeFileSync(path.join(folder, 'saved_model.pb'), bytes);
    id = binding.loadSavedModel(folder, TAG);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const inputNames = inputs.join(',');
  const outputNames = outputs.join(',');
  return {
    run: (tensors) =>
      binding
        .runSavedModel(id, native.getInputTensorIds(tensors), inputNames, outputNames)
        .map((metadata) => native.createOutputTensor(metadata)),
    dispose: () => binding.deleteSavedModel(id),
  };
}
