import * as tf from '@tensorflow/tfjs-core';

/**
 * Kernels that a backend lacks or has wrong, made of kernels that it has. They run inside tfjs's engine, which records no
 * gradient of a kernel's own calls and disposes of what they leave behind. Each is given to a backend once.
 */

/**
 * The kernels of StridedSlice of wasm and webgpu mistake the axes when one is dropped (shrinkAxisMask) and another has
 * a stride. So that they never see the mask, the slice is taken with every axis kept, and then given its shape.
 */
export function mendStridedSlice(backendName: string): void {
  const own = tf.getKernel(tf.StridedSlice, backendName);
  tf.unregisterKernel(tf.StridedSlice, backendName);
  tf.registerKernel({
    ...own,
    kernelFunc: (call) => {
      const given = call.attrs as unknown as tf.StridedSliceAttrs;
      if (given.shrinkAxisMask === 0) return own.kernelFunc(call);
      const x = call.inputs['x'] as tf.Tensor;
      const { attrs, shape } = sliceKeepingAxes(x.shape, given);
      const kept = own.kernelFunc({ ...call, attrs: attrs as unknown as tf.NamedAttrMap }) as tf.TensorInfo;
      // The same data under the final shape; the engine counts the reference once.
      return { ...kept, shape };
    },
  });
}

/** The same slice with its begin, end and stride for each axis of x and no axis dropped or added, and its shape. */
function sliceKeepingAxes(
  xShape: number[],
  given: tf.StridedSliceAttrs,
): { attrs: tf.StridedSliceAttrs; shape: number[] } {
  const { begin, end, strides, finalShape } = tf.slice_util.sliceInfo(
    xShape,
    given.begin,
    given.end,
    given.strides,
    given.beginMask,
    given.endMask,
    given.ellipsisMask,
    given.newAxisMask,
    given.shrinkAxisMask,
  );
  // Going backwards to the first element ends before it, at −1, which as an argument would mean the last one.
  const endMask = end.reduce((mask, value, axis) => (value < 0 ? mask | (1 << axis) : mask), 0);
  const none = { beginMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
  return { attrs: { begin, end, strides, endMask, ...none }, shape: finalShape };
}

export function composeConv2DBackpropFilter(backendName: string): void {
  register(tf.Conv2DBackpropFilter, backendName, ({ inputs, attrs }) => {
    const { strides, pad, dimRoundingMode, filterShape } = attrs as unknown as tf.Conv2DBackpropFilterAttrs;
    const { dataFormat } = attrs as { dataFormat?: string };
    if (dataFormat !== 'NHWC') {
      throw new Error(
        `Conv2DBackpropFilter on ${backendName}: dataFormat ${dataFormat}, expected NHWC; transpose the input before.`,
      );
    }
    const x = inputs['x'] as tf.Tensor4D;
    const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode);
    return convolutionFilterGradient(x, inputs['dy'] as tf.Tensor4D, info);
  });
}

export function composeUnsortedSegmentSum(backendName: string): void {
  register(tf.UnsortedSegmentSum, backendName, ({ inputs, attrs }) => {
    const { numSegments } = attrs as unknown as tf.UnsortedSegmentSumAttrs;
    return segmentSum(inputs['x'] as tf.Tensor, inputs['segmentIds'] as tf.Tensor1D, numSegments);
  });
}

type KernelCall = Parameters<tf.KernelFunc>[0];

function register(kernelName: string, backendName: string, kernel: (call: KernelCall) => tf.Tensor): void {
  tf.registerKernel({ kernelName, backendName, kernelFunc: (call) => tf.tidy(() => kernel(call)) });
}

/**
 * dL/dfilter of a two-dimensional convolution. The output at (i, j) reads the padded input at (i·s + p, j·s + q) through
 * the filter's position (p, q), so the gradient at that position is the product of those input pixels, as a matrix
 * [N·H'·W', Ci], transposed, with dy as [N·H'·W', Co].
 * @param x [N, H, W, Ci] @param dy [N, H', W', Co] @returns [kh, kw, Ci, Co]
 */
function convolutionFilterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, info: tf.backend_util.Conv2DInfo): tf.Tensor4D {
  const { filterHeight, filterWidth, inChannels, outChannels, padInfo } = info;
  const padded = tf.pad(x, [
    [0, 0],
    [padInfo.top, padInfo.bottom],
    [padInfo.left, padInfo.right],
    [0, 0],
  ]);
  const dyMatrix = tf.reshape(dy, [-1, outChannels]);
  const positions: tf.Tensor2D[] = [];
  for (let p = 0; p < filterHeight; p++) {
    for (let q = 0; q < filterWidth; q++) {
      const pixels = pixelsSeenBy(padded, p, q, info);
      positions.push(tf.matMul<tf.Tensor2D>(tf.reshape(pixels, [-1, inChannels]), dyMatrix, true));
    }
  }
  return tf.reshape(tf.concat(positions, 0), [filterHeight, filterWidth, inChannels, outChannels]);
}

/** [N, H', W', Ci] the pixels of the padded input that the filter's position (p, q) meets. */
function pixelsSeenBy(padded: tf.Tensor4D, p: number, q: number, info: tf.backend_util.Conv2DInfo): tf.Tensor4D {
  const { batchSize, outHeight, outWidth, inChannels, strideHeight, strideWidth } = info;
  if (strideHeight === 1 && strideWidth === 1) {
    return tf.slice(padded, [0, p, q, 0], [batchSize, outHeight, outWidth, inChannels]);
  }
  const end = [batchSize, p + (outHeight - 1) * strideHeight + 1, q + (outWidth - 1) * strideWidth + 1, inChannels];
  return tf.stridedSlice(padded, [0, p, q, 0], end, [1, strideHeight, strideWidth, 1]) as unknown as tf.Tensor4D;
}

/**
 * Sums the rows that share a segment id.
 * @param x [n, …] @param segmentIds [n] int32 in 0 … numSegments − 1 @returns [numSegments, …]
 */
function segmentSum(x: tf.Tensor, segmentIds: tf.Tensor1D, numSegments: number): tf.Tensor {
  const rows = x.shape[0];
  return tf.scatterND(tf.reshape(segmentIds, [rows, 1]), x, [numSegments, ...x.shape.slice(1)]);
}
