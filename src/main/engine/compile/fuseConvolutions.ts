import type { Precision } from '../../../shared/config.ts';
import { vectorSets } from '../backends/machine.ts';
import type { NativeBackend, NativeBinding, OpAttribute } from '../ops/native.ts';
import { typeOf, type OpNode, type RecordedNode, type Recording, type Source } from './recording.ts';

/** The op of a convolution with what is fused to it. */
export const FUSED = '_FusedConv2D';

/**
 * Whether the kernels are there: oneDNN's, on processors of this kind. In bfloat16 they want AVX-512, in float16 more
 * than most processors have. TensorFlow decides on a GPU for itself.
 */
export function canFuse({ isUsingGpuDevice }: NativeBackend, precision: Precision): boolean {
  if (isUsingGpuDevice || process.arch !== 'x64' || precision === 'float16') return false;
  return precision === 'float32' || vectorSets().includes('AVX-512');
}

/** What a convolution does to its sums before it writes them: ops that followed it, with their second operands. */
interface Chain {
  readonly convolution: OpNode;
  /** Names that the fused op knows. */
  readonly ops: readonly ('BiasAdd' | 'Add' | 'Relu')[];
  readonly operands: readonly Source[];
}

/**
 * The recording with convolutions that add a bias, then perhaps another tensor of the same shape, and then perhaps take the ReLU,
 * as one op each: TensorFlow would fuse them itself, but it does not in graphs that are loaded. Nothing is fused whose
 * value something else reads, so a gradient finds what it needs.
 */
export function fuseConvolutions(recording: Recording, binding: NativeBinding): Recording {
  const readers = readersOf(recording);
  /** By the last node of each chain. */
  const chains = new Map<number, Chain>();
  recording.nodes.forEach((node, at) => {
    const chain = chainFrom(recording, { at, node, readers });
    if (chain !== null) chains.set(chain.last, chain);
  });
  const nodes = recording.nodes.map((node, at): RecordedNode => {
    const chain = chains.get(at);
    return chain === undefined ? node : fused(recording, { at, chain, binding });
  });
  return { ...recording, nodes };
}

/** The op nodes that read each node; a node that is an output of the step has one reader more, null. */
function readersOf({ nodes, outputs }: Recording): (number | null)[][] {
  const readers: (number | null)[][] = nodes.map(() => []);
  nodes.forEach((node, reader) => {
    if (node.kind === 'op') for (const source of node.inputs) readers[source.node].push(reader);
  });
  for (const { node } of outputs) readers[node].push(null);
  return readers;
}

function chainFrom(
  recording: Recording,
  { at, node, readers }: { at: number; node: RecordedNode; readers: readonly (readonly (number | null)[])[] },
): (Chain & { readonly last: number }) | null {
  if (node.kind !== 'op' || node.op !== 'Conv2D') return null;
  /** The one op that reads a node, if it is one of these. */
  const onlyReader = (of: number, ops: readonly string[]): { at: number; node: OpNode } | null => {
    const [reader, ...others] = readers[of];
    if (typeof reader !== 'number' || others.length > 0) return null;
    const found = recording.nodes[reader];
    return found.kind === 'op' && ops.includes(found.op) ? { at: reader, node: found } : null;
  };
  const bias = onlyReader(at, ['BiasAdd']);
  if (bias?.node.inputs[0].node !== at) return null;
  const sum = onlyReader(bias.at, ['Add', 'AddV2']);
  const side = sum?.node.inputs.find(({ node: operand }) => operand !== bias.at);
  const adds = sum !== null && side !== undefined && sameShape(recording, side, { node: at, output: 0 });
  const before = adds ? sum.at : bias.at;
  const relu = onlyReader(before, ['Relu']);
  return {
    convolution: node,
    ops: ['BiasAdd', ...(adds ? (['Add'] as const) : []), ...(relu === null ? [] : (['Relu'] as const))],
    operands: [bias.node.inputs[1], ...(adds ? [side] : [])],
    last: relu?.at ?? before,
  };
}

const sameShape = (recording: Recording, a: Source, b: Source): boolean =>
  typeOf(recording, a).shape.join() === typeOf(recording, b).shape.join();

/** The chain as one op, in the place of its last one: all that it reads comes before that. */
function fused(
  recording: Recording,
  { at, chain, binding }: { at: number; chain: Chain; binding: NativeBinding },
): OpNode {
  const { convolution, ops, operands } = chain;
  const types = operands.map((source) => typeOf(recording, source).dtype);
  const attributes: OpAttribute[] = [
    ...convolution.attributes,
    { name: 'TArgs', type: binding.TF_ATTR_TYPE, value: types },
    { name: 'num_args', type: binding.TF_ATTR_INT, value: operands.length },
    { name: 'fused_ops', type: binding.TF_ATTR_STRING, value: ops },
  ];
  const { outputs } = recording.nodes[at] as OpNode;
  return { kind: 'op', op: FUSED, attributes, inputs: [...convolution.inputs, ...operands], outputs };
}
