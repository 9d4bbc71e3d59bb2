// Run in a process of its own on webgpu: sends what reading says of a tensor that the device refused, and after it.
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { takeValues } from '../../../src/main/engine/readBack.ts';

const messageOf = async (action: () => unknown): Promise<string> => {
  try {
    await action();
    return 'nothing was thrown';
  } catch (error) {
    return (error as Error).message;
  }
};

export interface DeviceFaults {
  readonly synchronous: string;
  readonly refused: string;
  readonly afterwards: Float32Array;
}

await openBackend('webgpu');
const onDevice = tf.fill([4], 2);
// Four bytes more than any device gives one buffer.
const tooLarge = tf.fill([2 ** 40 + 1], 1);
const faults: DeviceFaults = {
  synchronous: await messageOf(() => onDevice.dataSync()),
  // Another tensor than the one refused: what follows a refusal is not to be trusted.
  refused: await messageOf(() => onDevice.data()),
  afterwards: await takeValues(tf.fill([4], 3)),
};
tooLarge.dispose();
process.send!(faults);
