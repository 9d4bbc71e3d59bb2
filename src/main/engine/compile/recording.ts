import type { OpAttribute } from '../ops/native.ts';

export interface TensorType {
  /** TF_DataType, which is also DataType of TensorFlow's messages. */
  readonly dtype: number;
  readonly shape: readonly number[];
}

/** One output of a node. */
export interface Source {
  /** Index into the recording's nodes. */
  readonly node: number;
  readonly output: number;
}

export interface InputNode {
  readonly kind: 'input';
  readonly type: TensorType;
}

/** Values that the step uploaded, or a tensor that it found outside: part of the graph from then on. */
export interface ConstantNode {
  readonly kind: 'constant';
  readonly type: TensorType;
  /** Little-endian, rows last. */
  readonly content: () => Uint8Array;
}

export interface OpNode {
  readonly kind: 'op';
  readonly op: string;
  readonly attributes: readonly OpAttribute[];
  readonly inputs: readonly Source[];
  readonly outputs: readonly TensorType[];
}

export type RecordedNode = InputNode | ConstantNode | OpNode;

/** All that a step computed, in the order in which it did; a node reads earlier ones only. */
export interface Recording {
  readonly nodes: readonly RecordedNode[];
  /** Nodes of the step's inputs, in their order. */
  readonly inputs: readonly number[];
  readonly outputs: readonly Source[];
}

export function typeOf({ nodes }: Recording, { node, output }: Source): TensorType {
  const recorded = nodes[node];
  return recorded.kind === 'op' ? recorded.outputs[output] : recorded.type;
}

/**
 * What two runs of one step on the same inputs did differently, or null. A step that is no pure function of its
 * inputs, such as one that draws its own random numbers, shows here: frozen into a graph they would be the same for ever.
 */
export function difference(first: Recording, second: Recording): string | null {
  const reduced = (node: RecordedNode): string =>
    node.kind === 'op'
      ? JSON.stringify([node.op, node.attributes, node.inputs, node.outputs])
      : JSON.stringify([node.kind, node.type]);
  for (const [i, node] of first.nodes.entries()) {
    const other = second.nodes.at(i);
    if (other === undefined || reduced(node) !== reduced(other)) return `node ${i} is another one (${nameOf(node)})`;
    if (node.kind === 'constant' && other.kind === 'constant' && !sameBytes(node, other)) {
      return `it uploads other values, as a step does that draws its own random numbers (constant ${i})`;
    }
  }
  const outputs = JSON.stringify(first.outputs) === JSON.stringify(second.outputs);
  return first.nodes.length === second.nodes.length && outputs ? null : 'it computes more or less';
}

const nameOf = (node: RecordedNode): string => (node.kind === 'op' ? node.op : node.kind);

/** The same closure is the same tensor, found outside the step by both runs: no need to read it. */
function sameBytes(first: ConstantNode, second: ConstantNode): boolean {
  return first.content === second.content || Buffer.compare(first.content(), second.content()) === 0;
}
