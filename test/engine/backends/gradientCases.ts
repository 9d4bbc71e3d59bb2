import * as tf from '@tensorflow/tfjs-core';

/** One differentiable function of one tensor; its gradient must be the same on every backend. */
export interface GradientCase {
  readonly name: string;
  readonly shape: number[];
  readonly apply: (x: tf.Tensor) => tf.Tensor;
  /** The longest sum that any element of the gradient is, which the tolerance grows with. */
  readonly terms: number;
}

const SHAPE = [2, 4, 6];

/** Values in [low, high), the same on every call: the golden ratio's multiples spread evenly and never repeat. */
export function spreadValues(shape: readonly number[], low: number, high: number): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from(
    { length: size },
    (_, i) => low + (high - low) * (((i + 1) * 0.6180339887498949) % 1),
  );
  return tf.tensor(values, [...shape]);
}

const constant = (shape: number[]): tf.Tensor => spreadValues(shape, -1, 2);
const indices = (): tf.Tensor1D => tf.tensor1d([1, 0, 1, 1], 'int32');

function unary(name: string, apply: (x: tf.Tensor) => tf.Tensor, terms = 8): GradientCase {
  return { name, shape: SHAPE, apply, terms };
}

const OP_CASES: readonly GradientCase[] = [
  unary('add, broadcast', (x) => tf.add(x, constant([6]))),
  unary('add to a broadcast bias', (x) => tf.add(tf.slice(x, [0, 0, 0], [1, 1, 6]), constant([2, 4, 6]))),
  unary('mul, broadcast', (x) => tf.mul(x, constant([4, 1]))),
  unary('mul with itself', (x) => tf.mul(x, x)),
  unary('sub', (x) => tf.sub(1, x)),
  unary('div', (x) => tf.div(constant([6]), x)),
  unary('sum of an axis', (x) => tf.sum(x, 1)),
  unary('mean of two axes', (x) => tf.mean(x, [0, 2])),
  unary('square', (x) => tf.square(x)),
  unary('sqrt', (x) => tf.sqrt(x)),
  unary('rsqrt', (x) => tf.rsqrt(x)),
  unary('exp', (x) => tf.exp(x)),
  unary('log', (x) => tf.log(x)),
  unary('abs', (x) => tf.abs(tf.sub(x, 1))),
  unary('relu', (x) => tf.relu(tf.sub(x, 1))),
  unary('minimum', (x) => tf.minimum(x, 1)),
  unary('maximum', (x) => tf.maximum(x, 1)),
  unary('clipByValue', (x) => tf.clipByValue(x, 0.7, 1.2)),
  unary('where', (x) => tf.where(tf.greater(constant(SHAPE), 0), x, tf.square(x))),
  unary('reshape', (x) => tf.square(tf.reshape(x, [8, 6]))),
  unary('expandDims', (x) => tf.square(tf.expandDims(x, 1))),
  unary('transpose', (x) => tf.transpose(x, [2, 0, 1])),
  unary('pad', (x) =>
    tf.pad(x, [
      [0, 1],
      [2, 0],
      [1, 1],
    ]),
  ),
  unary('tile', (x) => tf.tile(x, [1, 2, 3])),
  unary('slice', (x) => tf.slice(x, [0, 1, 2], [2, 2, 3])),
  unary('strided slice', (x) => tf.stridedSlice(x, [0, 1, 0], [2, 4, 6], [1, 2, 3])),
  unary('strided slice backwards', (x) => tf.stridedSlice(x, [0, 3, 4], [2, 0, 0], [1, -1, -2])),
  unary('strided slice of one row', (x) => tf.stridedSlice(x, [1, 0, 1], [2, 4, 6], [1, 1, 2], 0, 0, 0, 0, 1)),
  unary('concat', (x) => tf.concat([x, tf.square(x)], 1)),
  unary('stack', (x) => tf.stack([x, tf.square(x)], 1)),
  unary('unstack', (x) => tf.unstack(x, 1)[2]),
  unary('split', (x) => tf.split(x, 3, 2)[1]),
  unary('gather of the first axis', (x) => tf.gather(x, indices())),
  unary('gather of the middle axis', (x) => tf.gather(x, indices(), 1)),
  unary('matMul, left', (x) => tf.matMul(tf.reshape(x, [8, 6]), constant([6, 3]))),
  unary('matMul, right', (x) => tf.matMul(constant([3, 8]), tf.reshape(x, [8, 6]))),
  unary('matMul, transposed', (x) => tf.matMul(tf.reshape(x, [8, 6]), constant([8, 5]), true)),
  unary('max', (x) => tf.max(x, -1)),
  unary('min', (x) => tf.min(x, 0)),
  unary('softmax', (x) => tf.softmax(x), 16),
  unary('logSoftmax', (x) => tf.logSoftmax(x), 16),
  unary('logSumExp', (x) => tf.logSumExp(x, -1), 16),
  unary('L2 norm of the rows', (x) => tf.norm(tf.reshape(x, [2, 24]), 2, 1), 32),
];

/** Shapes of one convolution: x [n, h, w, ci], filter [kh, kw, ci, co]. */
export interface ConvolutionShape {
  readonly x: [number, number, number, number];
  readonly filter: [number, number, number, number];
  readonly stride: number;
  readonly pad: 'same' | 'valid';
}

export const CONVOLUTION_SHAPES: readonly ConvolutionShape[] = [
  { x: [2, 5, 5, 3], filter: [3, 3, 3, 4], stride: 1, pad: 'same' },
  { x: [2, 6, 6, 3], filter: [3, 3, 3, 4], stride: 1, pad: 'same' },
  { x: [2, 5, 5, 3], filter: [3, 3, 3, 4], stride: 2, pad: 'same' },
  { x: [2, 6, 6, 3], filter: [3, 3, 3, 4], stride: 2, pad: 'same' },
  { x: [1, 7, 4, 2], filter: [3, 3, 2, 1], stride: 2, pad: 'same' },
  { x: [1, 28, 28, 1], filter: [3, 3, 1, 2], stride: 1, pad: 'same' },
  { x: [2, 5, 5, 3], filter: [1, 1, 3, 4], stride: 1, pad: 'same' },
  { x: [2, 5, 5, 3], filter: [1, 1, 3, 4], stride: 2, pad: 'same' },
  { x: [2, 6, 6, 3], filter: [1, 1, 3, 4], stride: 2, pad: 'same' },
  { x: [2, 6, 5, 2], filter: [2, 3, 2, 3], stride: 1, pad: 'same' },
  { x: [2, 7, 6, 2], filter: [3, 3, 2, 3], stride: 2, pad: 'valid' },
  { x: [1, 1, 1, 2], filter: [3, 3, 2, 3], stride: 1, pad: 'same' },
];

export function describeShape({ x, filter, stride, pad }: ConvolutionShape): string {
  return `conv2d of [${x.join(', ')}] with [${filter.join(', ')}], stride ${stride}, ${pad}`;
}

function convolutionCases(shape: ConvolutionShape): GradientCase[] {
  const { x, filter, stride, pad } = shape;
  const [n, h, w] = x;
  const [kh, kw, , co] = filter;
  return [
    {
      name: `filter of ${describeShape(shape)}`,
      shape: filter,
      apply: (variable) => tf.conv2d(spreadValues(x, -1, 1) as tf.Tensor4D, variable as tf.Tensor4D, stride, pad),
      terms: n * h * w,
    },
    {
      name: `input of ${describeShape(shape)}`,
      shape: x,
      apply: (variable) => tf.conv2d(variable as tf.Tensor4D, spreadValues(filter, -1, 1) as tf.Tensor4D, stride, pad),
      terms: kh * kw * co,
    },
  ];
}

export const GRADIENT_CASES: readonly GradientCase[] = [...OP_CASES, ...CONVOLUTION_SHAPES.flatMap(convolutionCases)];

/** The gradient at a fixed point under a fixed upstream gradient whose elements all differ, so that a misrouted one shows. */
export function gradientOf({ shape, apply }: GradientCase): tf.Tensor {
  return tf.tidy(() => {
    const x = spreadValues(shape, 0.5, 1.5);
    const upstream = spreadValues(tf.tidy(() => apply(x)).shape, -3, 5);
    return tf.grad(apply)(x, upstream);
  });
}
