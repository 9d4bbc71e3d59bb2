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
    requireChannelsLast(tf.Conv2DBackpropFilter, backendName, attrs);
    const x = inputs['x'] as tf.Tensor4D;
    const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode);
    return convolutionFilterGradient(x, inputs['dy'] as tf.Tensor4D, info);
  });
}

/** Takes the place of the backend's own. */
export function composeConv2DBackpropInput(backendName: string): void {
  tf.unregisterKernel(tf.Conv2DBackpropInput, backendName);
  register(tf.Conv2DBackpropInput, backendName, ({ inputs, attrs }) => {
    const { strides, pad, dimRoundingMode, inputShape } = attrs as unknown as tf.Conv2DBackpropInputAttrs;
    requireChannelsLast(tf.Conv2DBackpropInput, backendName, attrs);
    const filter = inputs['filter'] as tf.Tensor4D;
    const info = tf.backend_util.computeConv2DInfo(inputShape, filter.shape, strides, 1, pad, dimRoundingMode);
    return convolutionInputGradient(inputs['dy'] as tf.Tensor4D, filter, info);
  });
}

export function composeUnsortedSegmentSum(backendName: string): void {
  register(tf.UnsortedSegmentSum, backendName, ({ inputs, attrs }) => {
    const { numSegments } = attrs as unknown as tf.UnsortedSegmentSumAttrs;
    return segmentSum(inputs['x'] as tf.Tensor, inputs['segmentIds'] as tf.Tensor1D, numSegments);
  });
}

function requireChannelsLast(kernel: string, backendName: string, attrs: tf.NamedAttrMap | undefined): void {
  const { dataFormat } = attrs as { dataFormat?: string };
  if (dataFormat === 'NHWC') return;
  throw new Error(`${kernel} on ${backendName}: dataFormat ${dataFormat}, expected NHWC; transpose the input before.`);
}

type KernelCall = Parameters<tf.KernelFunc>[0];

function register(kernelName: string, backendName: string, kernel: (call: KernelCall) => tf.Tensor): void {
  tf.registerKernel({ kernelName, backendName, kernelFunc: (call) => tf.tidy(() => kernel(call)) });
}

/**
 * dL/dfilter of a two-dimensional convolution, itself a convolution: with images and channels changing places, the
 * padded input [Ci, H, W, N] is the batch and dy [H', W', N, Co] the filter, whose steps apart are the stride. Nine times
 * as fast on wasm as products of shifted pixels, since convolution is its best kernel.
 * @param x [N, H, W, Ci] @param dy [N, H', W', Co] @returns [kh, kw, Ci, Co]
 */
function convolutionFilterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, info: tf.backend_util.Conv2DInfo): tf.Tensor4D {
  const { filterHeight, filterWidth, padInfo, inHeight, inWidth, outHeight, outWidth } = info;
  const { strideHeight, strideWidth } = info;
  // Rows and columns that no position of the filter reads are left out, so that exactly kh × kw positions remain.
  const height = filterHeight + (outHeight - 1) * strideHeight;
  const width = filterWidth + (outWidth - 1) * strideWidth;
  const padded = padOrCut(x, [height - padInfo.top - inHeight, width - padInfo.left - inWidth], padInfo);
  const batch = tf.transpose(padded, [3, 1, 2, 0]);
  const filter = tf.transpose(dy, [1, 2, 0, 3]);
  const dilations: [number, number] = [strideHeight, strideWidth];
  const gradient = tf.conv2d(batch, filter, 1, 'valid', 'NHWC', dilations);
  return tf.transpose(gradient, [1, 2, 0, 3]);
}

/** Zeros above and to the left as padInfo says; below and to the right `after` rows and columns, negative ones cut off. */
function padOrCut(
  x: tf.Tensor4D,
  [below, right]: readonly [number, number],
  { top, left }: { readonly top: number; readonly left: number },
): tf.Tensor4D {
  const padded = tf.pad(x, [
    [0, 0],
    [top, Math.max(0, below)],
    [left, Math.max(0, right)],
    [0, 0],
  ]);
  const [batch, height, width, channels] = padded.shape;
  return tf.slice(padded, [0, 0, 0, 0], [batch, height + Math.min(0, below), width + Math.min(0, right), channels]);
}

/**
 * dL/dinput of a two-dimensional convolution: the convolution of dy, its pixels moved apart by the stride, with the
 * filter turned by 180° and its channels exchanged. The kernel that wasm has is a plain loop, ten times slower.
 * @param dy [N, H', W', Co] @param filter [kh, kw, Ci, Co] @returns [N, H, W, Ci]
 */
function convolutionInputGradient(dy: tf.Tensor4D, filter: tf.Tensor4D, info: tf.backend_util.Conv2DInfo): tf.Tensor4D {
  const { filterHeight, filterWidth, padInfo, inHeight, inWidth, strideHeight, strideWidth } = info;
  const apart = spread(spread(dy, 1, strideHeight), 2, strideWidth);
  const [top, left] = [filterHeight - 1 - padInfo.top, filterWidth - 1 - padInfo.left];
  const below = inHeight + filterHeight - 1 - top - apart.shape[1];
  const right = inWidth + filterWidth - 1 - left - apart.shape[2];
  const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
  return tf.conv2d(padOrCut(apart, [below, right], { top, left }), turned, 1, 'valid');
}

/** The elements of an axis with `stride` − 1 zeros between neighbours. */
function spread(x: tf.Tensor4D, axis: number, stride: number): tf.Tensor4D {
  if (stride === 1) return x;
  const zeros = tf.zerosLike(x);
  const apart = tf.stack([x, ...Array<tf.Tensor>(stride - 1).fill(zeros)], axis + 1);
  const shape = x.shape.map((length, i) => (i === axis ? length * stride : length));
  const ends = shape.map((length, i) => (i === axis ? length - (stride - 1) : length));
  return tf.slice(tf.reshape<tf.Rank.R4>(apart, shape as [number, number, number, number]), [0, 0, 0, 0], ends);
}

/**
 * Sums the rows that share a segment id.
 * @param x [n, …] @param segmentIds [n] int32 in 0 … numSegments − 1 @returns [numSegments, …]
 */
function segmentSum(x: tf.Tensor, segmentIds: tf.Tensor1D, numSegments: number): tf.Tensor {
  const rows = x.shape[0];
  return tf.scatterND(tf.reshape(segmentIds, [rows, 1]), x, [numSegments, ...x.shape.slice(1)]);
}
