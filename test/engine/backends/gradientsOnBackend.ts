// Run in a process of its own, with the backend's name: prints every case's gradient, and the tensors it left behind.
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import type { BackendName } from '../../../src/main/engine/backends/openBackend.ts';
import { GRADIENT_CASES, gradientOf } from './gradientCases.ts';

await openBackend(process.argv[2] as BackendName);
const results = GRADIENT_CASES.map((gradientCase) => {
  const before = tf.memory().numTensors;
  const gradient = gradientOf(gradientCase);
  const values = [...gradient.dataSync()];
  const { shape } = gradient;
  gradient.dispose();
  return { name: gradientCase.name, shape, values, leaked: tf.memory().numTensors - before };
});
process.stdout.write(JSON.stringify(results));
