import type { NamedArray, NamedArrays } from '../../../engine/models/arrays.ts';
import { blocksOf, needsProjection, type WideResNet } from '../../../engine/models/wideResNetShape.ts';
import type { HeadWeights } from '../../../../shared/results.ts';
import type { GraphBuilder } from './graph.ts';

/**
 * The frozen extractor on images [N, C, H, W]: the graph that `extract` in engine/models/wideResNet.ts runs, from the same
 * folded arrays, with axes in ONNX's order.
 * @param folded by foldBatchNorms
 * @param output its name, [N, D]
 */
export function addExtractor(
  graph: GraphBuilder,
  { net, folded }: { readonly net: WideResNet; readonly folded: NamedArrays },
  { input, output }: { readonly input: string; readonly output: string },
): void {
  const conv = (x: string, name: string, stride: 1 | 2): string => addConvolution(graph, folded, { x, name, stride });
  const normRelu = (x: string, name: string): string => addNormRelu(graph, folded, { x, name });
  let x = conv(input, 'stem', 1); // [N, 16, H, W]
  for (const block of blocksOf(net)) {
    const active = normRelu(x, `${block.name}.norm1`);
    const shortcut = needsProjection(block) ? conv(active, `${block.name}.projection`, block.stride) : x;
    const inner = normRelu(conv(active, `${block.name}.conv1`, block.stride), `${block.name}.norm2`);
    const last = conv(inner, `${block.name}.conv2`, 1);
    x = graph.node('Add', { inputs: [last, shortcut], output: `${block.name}.sum` }); // [N, outputs, H/stride, W/stride]
  }
  const pooled = graph.node('GlobalAveragePool', { inputs: [normRelu(x, 'norm')], output: 'pooled' }); // [N, D, 1, 1]
  graph.node('Flatten', { inputs: [pooled], output }, { axis: 1 }); // [N, D]
}

interface Convolution {
  readonly x: string;
  readonly name: string;
  readonly stride: 1 | 2;
}

function addConvolution(graph: GraphBuilder, folded: NamedArrays, { x, name, stride }: Convolution): string {
  const { shape, data } = folded[`${name}.weight`];
  const [height, width, inputs, outputs] = shape;
  const weight = graph.constant(`${name}.weight`, [outputs, inputs, height, width], kernelFirst({ shape, data }));
  const bias = `${name}.bias`;
  const biases = bias in folded ? [graph.constant(bias, [outputs], folded[bias].data)] : [];
  // As TensorFlow pads "same": the odd row and column at the end, which matters where the stride is 2.
  const attributes = { kernel_shape: [height, width], strides: [stride, stride], auto_pad: 'SAME_UPPER' };
  return graph.node('Conv', { inputs: [x, weight, ...biases], output: name }, attributes);
}

function addNormRelu(
  graph: GraphBuilder,
  folded: NamedArrays,
  { x, name }: { readonly x: string; readonly name: string },
): string {
  const gain = `${name}.gain`;
  let normed = x;
  if (gain in folded) {
    const channel = (part: 'gain' | 'shift'): string => {
      const { data } = folded[`${name}.${part}`];
      return graph.constant(`${name}.${part}`, [data.length, 1, 1], data);
    };
    const scaled = graph.node('Mul', { inputs: [x, channel('gain')], output: `${name}.scaled` });
    normed = graph.node('Add', { inputs: [scaled, channel('shift')], output: `${name}.shifted` });
  }
  return graph.node('Relu', { inputs: [normed], output: `${name}.relu` });
}

/** [height, width, inputs, outputs] → [outputs, inputs, height, width] */
function kernelFirst({ shape, data }: NamedArray): Float32Array {
  const [height, width, inputs, outputs] = shape;
  const area = height * width;
  const turned = new Float32Array(data.length);
  for (let place = 0; place < area; place++) {
    for (let i = 0; i < inputs; i++) {
      for (let o = 0; o < outputs; o++)
        turned[(o * inputs + i) * area + place] = data[(place * inputs + i) * outputs + o];
    }
  }
  return turned;
}

/**
 * A head on representations [N, D]: fully connected layers with GroupSort between them.
 * @param output its name, [N, K]
 */
export function addHead(
  graph: GraphBuilder,
  { groupSize, layers }: HeadWeights,
  { input, output }: { readonly input: string; readonly output: string },
): void {
  let x = input;
  layers.forEach(({ inputs, outputs, weight, bias }, i) => {
    const name = `head.layer${i + 1}`;
    if (i > 0) x = addGroupSort(graph, { x, width: inputs, groupSize, name: `head.sort${i}` });
    const parameters = [
      graph.constant(`${name}.weight`, [outputs, inputs], weight),
      graph.constant(`${name}.bias`, [outputs], bias),
    ];
    const result = i === layers.length - 1 ? output : name;
    x = graph.node('Gemm', { inputs: [x, ...parameters], output: result }, { transB: 1 });
  });
}

/** Groups of units sorted ascending, as the g smallest of g in order. */
function addGroupSort(
  graph: GraphBuilder,
  { x, width, groupSize, name }: { x: string; width: number; groupSize: number; name: string },
): string {
  // A 0 keeps the size there, and so leaves the batch free.
  const grouped = graph.node('Reshape', {
    inputs: [x, graph.sizes(`${name}.groups`, [0, width / groupSize, groupSize])],
    output: `${name}.grouped`,
  });
  const sorted = graph.node(
    'TopK',
    { inputs: [grouped, graph.sizes(`${name}.size`, [groupSize])], output: `${name}.sorted`, more: [`${name}.order`] },
    { axis: -1, largest: 0, sorted: 1 },
  );
  return graph.node('Reshape', { inputs: [sorted, graph.sizes(`${name}.units`, [0, width])], output: name });
}
