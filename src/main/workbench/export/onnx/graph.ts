import { create, toBinary } from '@bufbuild/protobuf';
import { BadInput } from '../../errors.ts';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './onnx_pb.js';

/** Of the operators; and the version of the format that it came with (ONNX 1.12). */
const OPSET = 17;
const IR_VERSION = 8;

/** Protobuf's own limit on a message. */
const LARGEST_MODEL = 2 ** 31 - 1;

type Attribute = number | string | readonly number[];

/** Sizes of an input or output; a name is a dimension that stays free. */
export type Dimensions = readonly (number | string)[];

export interface Value {
  readonly name: string;
  readonly dimensions: Dimensions;
}

/** An ONNX graph in the making: every value is float32 but for the sizes that some operators take. */
export class GraphBuilder {
  readonly #nodes: NodeProto[] = [];
  readonly #constants: TensorProto[] = [];
  #bytes = 0;

  /** A weight. @param values row-major */
  constant(name: string, shape: readonly number[], values: Float32Array): string {
    return this.#add(name, { shape, dataType: TensorProto_DataType.FLOAT, bytes: littleEndian(values) });
  }

  /** Sizes, [n]. */
  sizes(name: string, values: readonly number[]): string {
    const bytes = littleEndian(BigInt64Array.from(values, BigInt));
    return this.#add(name, { shape: [values.length], dataType: TensorProto_DataType.INT64, bytes });
  }

  #add(name: string, tensor: { shape: readonly number[]; dataType: TensorProto_DataType; bytes: Uint8Array }): string {
    const dims = tensor.shape.map(BigInt);
    this.#constants.push(
      create(TensorProtoSchema, {
        name,
        dims,
        dataType: tensor.dataType,
        rawData: tensor.bytes,
      }),
    );
    this.#bytes += tensor.bytes.length;
    return name;
  }

  /**
   * One operator.
   * @param output its (first) output's name, which is the node's too
   * @returns that name
   */
  node(
    opType: string,
    { inputs, output, more = [] }: { inputs: readonly string[]; output: string; more?: readonly string[] },
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value));
    const fields = { opType, name: output, input: [...inputs], output: [output, ...more], attribute };
    this.#nodes.push(create(NodeProtoSchema, fields));
    return output;
  }

  /**
   * The model as bytes.
   * @param metadata what users must know, as the format keeps it: words by name
   * @throws BadInput for one larger than the format allows
   */
  serialise(of: {
    readonly name: string;
    readonly description: string;
    readonly input: Value;
    readonly output: Value;
    readonly metadata: Readonly<Record<string, string>>;
  }): Uint8Array {
    requireSerialisable(of.name, this.#bytes);
    const model = create(ModelProtoSchema, {
      irVersion: BigInt(IR_VERSION),
      producerName: 'provable-transfer-workbench',
      docString: of.description,
      opsetImport: [{ domain: '', version: BigInt(OPSET) }],
      metadataProps: Object.entries(of.metadata).map(([key, value]) => ({ key, value })),
      graph: {
        name: of.name,
        node: this.#nodes,
        initializer: this.#constants,
        input: [valueInfo(of.input)],
        output: [valueInfo(of.output)],
      },
    });
    return toBinary(ModelProtoSchema, model);
  }
}

/** @throws BadInput; the presets come to a tenth of it at most */
export function requireSerialisable(model: string, weightBytes: number): void {
  // The graph beside the weights takes kilobytes.
  if (weightBytes + 2 ** 20 <= LARGEST_MODEL) return;
  throw new BadInput(
    `export of ${model} as onnx: got ${weightBytes} bytes of weights, expected less than the 2 GiB of a protobuf message; ` +
      'export as safetensors',
  );
}

function attributeOf(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) });
  }
  if (typeof value === 'string') {
    const s = new TextEncoder().encode(value);
    return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.STRING, s });
  }
  return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) });
}

function valueInfo({ name, dimensions }: Value): ValueInfoProto {
  const dim = dimensions.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof size === 'number' ? { case: 'dimValue', value: BigInt(size) } : { case: 'dimParam', value: size },
    }),
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: TensorProto_DataType.FLOAT, shape: { dim } } } },
  });
}

/** As the format keeps raw values, whatever the machine's order is. */
function littleEndian(values: Float32Array | BigInt64Array): Uint8Array {
  const bytes = new Uint8Array(values.byteLength);
  const view = new DataView(bytes.buffer);
  if (values instanceof Float32Array) values.forEach((value, i) => view.setFloat32(4 * i, value, true));
  else values.forEach((value, i) => view.setBigInt64(8 * i, value, true));
  return bytes;
}
