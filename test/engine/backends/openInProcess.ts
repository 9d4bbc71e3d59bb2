// Run in a process of its own: prints what inspectBackends says, with a product to show that the backend computes.
import * as tf from '@tensorflow/tfjs-core';
import { inspectBackends } from '../../../src/main/engine/backends/doctor.ts';

const report = await inspectBackends();
const product = [...(await tf.matMul(tf.fill([2, 3], 2), tf.fill([3, 1], 5)).data())];
process.stdout.write(JSON.stringify({ report, backend: tf.getBackend(), product }));
