import type { NativeBinding, OpAttribute } from '../ops/native.ts';
import { messages, type AttributeValue, type NodeDefinition, type TensorShape } from './messages.ts';
import { typeOf, type RecordedNode, type Recording, type Source, type TensorType } from './recording.ts';

/** tensorflow/core/public/version.h: what graphs of TensorFlow 2.21 call themselves. */
const GRAPH_VERSION = 2461;

/** The only tag of a SavedModel written here. */
export const TAG = 'step';

/** Type attributes that tfjs leaves out, since eager TensorFlow infers them; by the input whose type they are. */
const INFERRED: Readonly<Record<string, Readonly<Record<string, number>>>> = { ExpandDims: { T: 0 } };

/** A recording as bytes that TensorFlow loads, with the names by which it is fed and read. */
export interface SavedGraph {
  readonly bytes: Uint8Array;
  /** "node:output" of each input and output, in their order. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** Writes a recording as a SavedModel: a Placeholder an input, a Const an upload, an Identity an output. */
export function savedModelOf(recording: Recording, binding: NativeBinding): SavedGraph {
  const { GraphDef, VersionDef, MetaGraphDef, SavedModel } = messages();
  const nodes = [...neededNodes(recording)].map((i) => nodeOf(recording.nodes[i], { recording, binding, i }));
  const outputs = recording.outputs.map((source, i) => {
    const { dtype } = typeOf(recording, source);
    return node('Identity', `output${i}`, [nameOf(recording, source)], { T: typeAttribute(dtype) });
  });
  const versions = new VersionDef();
  versions.setProducer(GRAPH_VERSION);
  const graph = new GraphDef();
  graph.setNodeList([...nodes, ...outputs]);
  graph.setVersions(versions);
  const info = new MetaGraphDef.MetaInfoDef();
  info.setTagsList([TAG]);
  const meta = new MetaGraphDef();
  meta.setMetaInfoDef(info);
  meta.setGraphDef(graph);
  const model = new SavedModel();
  model.setSavedModelSchemaVersion(1);
  model.setMetaGraphsList([meta]);
  return {
    bytes: model.serializeBinary(),
    inputs: recording.inputs.map((node) => `${nameOf(recording, { node, output: 0 })}:0`),
    outputs: outputs.map((_, i) => `output${i}:0`),
  };
}

/** Nodes that an output depends on, and every input, in order; what else the step computed does not enter the graph. */
function neededNodes({ nodes, inputs, outputs }: Recording): Set<number> {
  const needed = new Set(inputs);
  const pending = outputs.map(({ node }) => node);
  for (let i = pending.pop(); i !== undefined; i = pending.pop()) {
    if (needed.has(i)) continue;
    needed.add(i);
    const found = nodes[i];
    if (found.kind === 'op') pending.push(...found.inputs.map(({ node }) => node));
  }
  return new Set([...needed].sort((a, b) => a - b));
}

function nameOf({ nodes }: Recording, { node, output }: Source): string {
  const recorded = nodes[node];
  // Names may not begin with an underscore, as those of internal ops do.
  const name = `${recorded.kind === 'op' ? recorded.op.replace(/^_/, '') : recorded.kind}${node}`;
  return output === 0 ? name : `${name}:${output}`;
}

function nodeOf(
  recorded: RecordedNode,
  { recording, binding, i }: { recording: Recording; binding: NativeBinding; i: number },
): NodeDefinition {
  const name = nameOf(recording, { node: i, output: 0 });
  switch (recorded.kind) {
    case 'input': {
      const { dtype, shape } = recorded.type;
      const value = new (messages().AttrValue)();
      value.setShape(shapeMessage(shape));
      return node('Placeholder', name, [], { dtype: typeAttribute(dtype), shape: value });
    }
    case 'constant': {
      const { dtype } = recorded.type;
      return node('Const', name, [], {
        dtype: typeAttribute(dtype),
        value: tensorAttribute(recorded.type, recorded.content()),
      });
    }
    case 'op': {
      const inputs = recorded.inputs.map((source) => nameOf(recording, source));
      const attributes = recorded.attributes.map((one) => [one.name, attributeValue(one, binding)] as const);
      const inferred = Object.entries(INFERRED[recorded.op] ?? {}).map(
        ([attribute, input]) => [attribute, typeAttribute(typeOf(recording, recorded.inputs[input]).dtype)] as const,
      );
      return node(recorded.op, name, inputs, Object.fromEntries([...attributes, ...inferred]));
    }
  }
}

function node(
  op: string,
  name: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>>,
): NodeDefinition {
  const definition = new (messages().NodeDef)();
  definition.setName(name);
  definition.setOp(op);
  definition.setInputList(inputs);
  const map = definition.getAttrMap();
  for (const [attribute, value] of Object.entries(attributes)) map.set(attribute, value);
  return definition;
}

function typeAttribute(dtype: number): AttributeValue {
  const value = new (messages().AttrValue)();
  value.setType(dtype);
  return value;
}

function tensorAttribute({ dtype, shape }: TensorType, content: Uint8Array): AttributeValue {
  const tensor = new (messages().Tensor)();
  tensor.setDtype(dtype);
  tensor.setTensorShape(shapeMessage(shape));
  tensor.setTensorContent(content);
  const value = new (messages().AttrValue)();
  value.setTensor(tensor);
  return value;
}

function shapeMessage(sizes: readonly number[]): TensorShape {
  const { TensorShape } = messages();
  const shape = new TensorShape();
  for (const size of sizes) {
    const dimension = new TensorShape.Dim();
    dimension.setSize(size);
    shape.addDim(dimension);
  }
  return shape;
}

/** An attribute as tfjs hands it to the binding. Lists are told by being arrays, as the binding tells them. */
function attributeValue({ name, type, value }: OpAttribute, binding: NativeBinding): AttributeValue {
  const { AttrValue } = messages();
  const message = new AttrValue();
  const list = new AttrValue.ListValue();
  switch (type) {
    case binding.TF_ATTR_TYPE:
      if (Array.isArray(value)) list.setTypeList(value as number[]);
      else message.setType(value as number);
      break;
    case binding.TF_ATTR_STRING:
      if (Array.isArray(value)) list.setSList(value.map((text) => Buffer.from(text as string)));
      else message.setS(Buffer.from(value as string));
      break;
    case binding.TF_ATTR_SHAPE:
      message.setShape(shapeMessage(value as number[]));
      return message;
    case binding.TF_ATTR_INT:
      if (Array.isArray(value)) list.setIList(value as number[]);
      else message.setI(value as number);
      break;
    case binding.TF_ATTR_FLOAT:
      if (Array.isArray(value)) list.setFList(value as number[]);
      else message.setF(value as number);
      break;
    case binding.TF_ATTR_BOOL:
      if (Array.isArray(value)) list.setBList(value as boolean[]);
      else message.setB(value as boolean);
      break;
    default:
      throw new Error(`attribute ${name} is of type ${type}, which the binding cannot set either`);
  }
  if (Array.isArray(value)) message.setList(list);
  return message;
}
