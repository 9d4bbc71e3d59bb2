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
 * What two runs of one step on the same inputs did differently on the way to their outputs, or null. A step that is no
 * pure function of its inputs, such as one that draws its own random numbers, shows here: frozen into a graph they would
 * be the same for ever. Walked from the outputs, since the order of uploads means nothing.
 */
export function difference(first: Recording, second: Recording): string | null {
  if (first.outputs.length !== second.outputs.length) return 'it gives more or fewer tensors';
  const pending: Pair[] = first.outputs.map((source, i) => [source, second.outputs[i]]);
  const compared = new Set<string>();
  for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
    const [a, b] = pair;
    const key = `${a.node} ${b.node}`;
    const [one, other] = [first.nodes[a.node], second.nodes[b.node]];
    if (a.output !== b.output) return `it takes another output of ${nameOf(one)}`;
    if (compared.has(key)) continue;
    compared.add(key);
    const differs = one.kind === 'input' ? differentInput(a, b, other) : differentNode(one, other);
    if (differs !== null) return differs;
    if (one.kind === 'op' && other.kind === 'op') {
      pending.push(...one.inputs.map((source, i): Pair => [source, other.inputs[i]]));
    }
  }
  return null;
}

type Pair = readonly [Source, Source];

const nameOf = (node: RecordedNode): string => (node.kind === 'op' ? node.op : `the ${node.kind}`);

function differentInput(a: Source, b: Source, other: RecordedNode): string | null {
  return a.node === b.node ? null : `it reads an input where it read ${nameOf(other)}`;
}

function differentNode(one: Exclude<RecordedNode, InputNode>, other: RecordedNode): string | null {
  if (one.kind === 'constant' && other.kind === 'constant') {
    const same = sameType(one.type, other.type) && Buffer.compare(one.content(), other.content()) === 0;
    return same ? null : 'it uploads other values, as a step does that draws its own random numbers';
  }
  const form = (node: RecordedNode): string =>
    node.kind === 'op' ? JSON.stringify([node.op, node.attributes, node.inputs.length, node.outputs]) : node.kind;
  return form(one) === form(other) ? null : `it computes ${nameOf(one)}, then ${nameOf(other)}`;
}

const sameType = (a: TensorType, b: TensorType): boolean => JSON.stringify(a) === JSON.stringify(b);
