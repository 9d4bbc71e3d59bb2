import { createRequire } from 'node:module';

/** TensorFlow's messages as far as a graph needs them, in the accessors that protoc gives JavaScript. */
export interface TensorShape {
  addDim(dim: ShapeDimension): void;
}
interface ShapeDimension {
  setSize(size: number): void;
}
export interface TensorContent {
  setDtype(dtype: number): void;
  setTensorShape(shape: TensorShape): void;
  setTensorContent(content: Uint8Array): void;
}
export interface AttributeList {
  setIList(values: readonly number[]): void;
  setFList(values: readonly number[]): void;
  setBList(values: readonly boolean[]): void;
  setSList(values: readonly Uint8Array[]): void;
  setTypeList(dtypes: readonly number[]): void;
}
export interface AttributeValue {
  setS(value: Uint8Array): void;
  setI(value: number): void;
  setF(value: number): void;
  setB(value: boolean): void;
  setType(dtype: number): void;
  setShape(shape: TensorShape): void;
  setTensor(tensor: TensorContent): void;
  setList(list: AttributeList): void;
}
export interface NodeDefinition {
  setName(name: string): void;
  setOp(op: string): void;
  setInputList(inputs: readonly string[]): void;
  getAttrMap(): { set(name: string, value: AttributeValue): void };
}
interface GraphDefinition {
  setNodeList(nodes: readonly NodeDefinition[]): void;
  setVersions(versions: Versions): void;
}
interface Versions {
  setProducer(version: number): void;
}
interface MetaInfo {
  setTagsList(tags: readonly string[]): void;
}
interface MetaGraph {
  setMetaInfoDef(info: MetaInfo): void;
  setGraphDef(graph: GraphDefinition): void;
}
interface SavedModel {
  setSavedModelSchemaVersion(version: number): void;
  setMetaGraphsList(graphs: readonly MetaGraph[]): void;
  serializeBinary(): Uint8Array;
}

export interface Messages {
  readonly TensorShape: { new (): TensorShape; readonly Dim: new () => ShapeDimension };
  readonly Tensor: new () => TensorContent;
  readonly AttrValue: { new (): AttributeValue; readonly ListValue: new () => AttributeList };
  readonly NodeDef: new () => NodeDefinition;
  readonly GraphDef: new () => GraphDefinition;
  readonly VersionDef: new () => Versions;
  readonly MetaGraphDef: { new (): MetaGraph; readonly MetaInfoDef: new () => MetaInfo };
  readonly SavedModel: new () => SavedModel;
}

let loaded: Messages | null = null;

/**
 * The messages that the binding's package carries: there wherever the backend is, and no second protobuf library.
 * @throws without the optional package; the `tensorflow` backend, which alone asks, comes from the same one.
 */
export function messages(): Messages {
  return (loaded ??= createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu/dist/proto/api_pb') as Messages);
}
