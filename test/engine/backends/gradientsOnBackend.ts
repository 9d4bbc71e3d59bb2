// Run in a process of its own, with the backend's name: prints every case's gradient, and the tensors it left behind.
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import type { BackendName } from '../../../src/main/engine/backends/openBackend.ts';
import { GRADIENT_CASES, gradientOf } from './gradientCases.ts';

await openBackend(process.argv[2] as BackendName);
const results = [];
for (const gradientCase of GRADIENT_CASES) {
  const before = tf.memory().numTensors;
  const gradient = gradientOf(gradientCase);
  const values = [...(await gradient.data())];
  const { shape } = gradient;
  gradient.dispose();
  results.push({ name: gradientCase.name, shape, values, leaked: tf.memory().numTensors - before });
}
process.stdout.write(JSON.stringify(results));
