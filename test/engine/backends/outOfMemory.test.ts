import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { isOutOfMemory } from '../../../src/main/engine/backends/outOfMemory.ts';
import { nativeBackend, type NativeBinding } from '../../../src/main/engine/ops/native.ts';
import { OP_MESSAGE, SESSION_MESSAGE } from '../memoryLimit.ts';
import { nativeIsInstalled } from './native.ts';

/** What is thrown. */
function thrown(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  return expect.unreachable('nothing was thrown');
}

/** Asks for more than an address space has. @throws what TensorFlow says then */
function exhaustTensorFlow(binding: NativeBinding): void {
  const inputs = [
    binding.createTensor([2], binding.TF_INT32, Int32Array.of(2 ** 30, 2 ** 20)),
    binding.createTensor([], binding.TF_FLOAT, Float32Array.of(0)),
  ];
  const attributes = [
    { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'index_type', type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 },
  ];
  try {
    binding.executeOp('Fill', attributes, inputs, 1);
  } finally {
    for (const id of inputs) binding.deleteTensor(id);
  }
}

describe('memory that ran out is known by the message of', () => {
  it.each([
    ['an op on TensorFlow', OP_MESSAGE],
    ['a graph', SESSION_MESSAGE],
    [
      'a graph with several errors at once',
      'Session fail to run with error: 2 root error(s) found.\n  (0) RESOURCE_EXHAUSTED: OOM when allocating tensor with shape[64,28,28,32] and type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc',
    ],
    ['a graph that does not load', 'Failed to load SavedModel: OOM when allocating tensor with shape[3,3,640,640]'],
    ['a copy to a GPU', 'Invalid TF_Status: 13\nMessage: Dst tensor is not initialized.'],
    [
      'cuDNN',
      'Session fail to run with error: CUDNN failed to allocate the scratch space for the runner or to find a working no-scratch runner.\n\t [[{{node Conv2D3}}]]',
    ],
    [
      'oneDNN',
      'Invalid TF_Status: 10\nMessage: Operation received an exception:Status: 1, message: could not create a memory object, in file tensorflow/core/kernels/mkl/mkl_conv_ops.cc:1213',
    ],
    ['WebGPU', 'webgpu: the device refused a command (GPUOutOfMemoryError): vkAllocateMemory failed'],
  ])('%s', (_, message) => {
    expect(isOutOfMemory(new Error(message))).toBe(true);
  });

  it.each([
    ['a wrong argument', 'Invalid TF_Status: 3\nMessage: Incompatible shapes: [2,3] vs. [4]'],
    ['another error of a graph', 'Session fail to run with error: Incompatible shapes: [2,3] vs. [4]'],
    [
      'another error of oneDNN',
      'Invalid TF_Status: 10\nMessage: Operation received an exception:Status: 3, message: could not create a memory object, in file a.cc:1',
    ],
    ['a command that WebGPU finds wrong', 'webgpu: the device refused a command (GPUValidationError): Buffer size'],
    ['a wasm heap that is damaged', 'memory access out of bounds'],
    ['a wasm module that gave up', 'Aborted(). Build with -sASSERTIONS for more info.'],
    ['an array no machine could have', 'Invalid typed array length: -1'],
  ])('but not of %s', (_, message) => {
    expect(isOutOfMemory(new Error(message))).toBe(false);
  });

  it('nothing but errors', () => {
    expect(isOutOfMemory('Array buffer allocation failed')).toBe(false);
    expect(isOutOfMemory(undefined)).toBe(false);
  });
});

describe('memory that really runs out is known', () => {
  it('on the host', () => {
    expect(isOutOfMemory(thrown(() => new ArrayBuffer(2 ** 52)))).toBe(true);
  });

  it.skipIf(!nativeIsInstalled)('on tensorflow, whose tensors of before are still right', async () => {
    await openBackend('tensorflow');
    const before = tf.tensor1d([1, 2, 3]);
    const error = thrown(() => exhaustTensorFlow(nativeBackend()!.binding));
    expect(error.message).toMatch(/^Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape/);
    expect(isOutOfMemory(error)).toBe(true);
    expect([...tf.tidy(() => tf.add(before, 1)).dataSync()]).toEqual([2, 3, 4]);
    before.dispose();
  });

  it('on wasm, whose tensors of before are still right: nothing is written where nothing was allocated', async () => {
    await openBackend('wasm');
    const before = tf.tensor1d([1, 2, 3]);
    const tensors = tf.memory().numTensors;
    // 4 GB less 64 MB, with 80 MB taken; and so much that the allocator's own sums overflow.
    const taken = tf.fill([20 * 2 ** 20], 1);
    for (const megabytes of [4032, 4095.9375]) {
      const error = thrown(() => tf.fill([megabytes * 2 ** 18], 7));
      expect(error.message).toBe(`wasm: memory ran out, asked for ${megabytes * 2 ** 20} bytes of at most 4 GB`);
      expect(isOutOfMemory(error)).toBe(true);
    }
    taken.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
    expect([...tf.tidy(() => tf.add(before, 1)).dataSync()]).toEqual([2, 3, 4]);
    before.dispose();
  });
});
