// Run in a process of its own, with the backend's name: sends every case's gradient, and the tensors it left behind.
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import type { BackendName } from '../../../src/main/engine/backends/openBackend.ts';
import { takeValues } from '../../../src/main/engine/readBack.ts';
import { GRADIENT_CASES, gradientOf } from './gradientCases.ts';

export interface GradientResult {
  readonly name: string;
  readonly shape: number[];
  readonly values: number[];
  readonly leaked: number;
}

await openBackend(process.argv[2] as BackendName);
const results: GradientResult[] = [];
for (const gradientCase of GRADIENT_CASES) {
  const before = tf.memory().numTensors;
  const gradient = gradientOf(gradientCase);
  const { shape } = gradient;
  const values = [...(await takeValues(gradient))];
  results.push({ name: gradientCase.name, shape, values, leaked: tf.memory().numTensors - before });
}
process.send!(results);
