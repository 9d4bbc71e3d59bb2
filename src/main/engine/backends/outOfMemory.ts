/**
 * How the backends say that memory ran out. Binding: binding/utils.h and tfjs_backend.cc of tfjs-node-gpu. TensorFlow
 * and oneDNN: messages of libtensorflow 2.21, those of eager ops and sessions as met under a memory limit.
 */
const SIGNS = [
  // An eager op on TensorFlow; 8 is TF_RESOURCE_EXHAUSTED of tsl/c/tsl_status.h.
  /^Invalid TF_Status: 8\n/,
  // A graph, where the binding leaves the code out. With several errors at once TensorFlow puts their names in.
  /\bOOM when allocating (?:temporary )?tensor\b/,
  /\bRESOURCE_EXHAUSTED\b/,
  // A copy to a GPU whose destination could not be had, and cuDNN's scratch memory; their status is another one.
  /\bDst tensor is not initialized\b/,
  /\bCUDNN failed to allocate the scratch space\b/,
  // 1 is dnnl_out_of_memory.
  /\bOperation received an exception: ?Status: 1,/,
  // What our watch over the device, and over wasm's allocator, throws.
  /^webgpu: the device refused a command \(GPUOutOfMemoryError\)/,
  /^wasm: memory ran out\b/,
  // V8, for an array on the host.
  /^Array buffer allocation failed$/,
];

/**
 * Whether an error says that memory ran out and the backend can go on with less. A wasm trap ("memory access out of
 * bounds", an abort) is none: it comes after the heap was written to where nothing was allocated.
 */
export function isOutOfMemory(error: unknown): error is Error {
  return error instanceof Error && SIGNS.some((sign) => sign.test(error.message));
}
