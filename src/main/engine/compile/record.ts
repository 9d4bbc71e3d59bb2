import * as tf from '@tensorflow/tfjs-core';
import type { NativeBackend, NativeBinding, OpAttribute, TensorMetadata } from '../ops/native.ts';
import type { Recording, RecordedNode, Source, TensorType } from './recording.ts';
import { flatten } from './tensorTree.ts';

/** Ops whose results no input decides: in a graph their draws could not be repeated. */
const OWN_RANDOMNESS = /^(Multinomial|Random|StatefulRandom|TruncatedNormal|ParameterizedTruncatedNormal)/;

/** TF_VARIANT of tensorflow/c/tf_datatype.h; tfjs has no name for it. */
const TF_VARIANT = 21;

export interface Recorded<Out> {
  /** What the step gave; the caller's. */
  readonly outputs: Out;
  /** Null where something in it cannot be part of a graph. */
  readonly recording: Recording | null;
  /** What and why; null with a recording. */
  readonly refusal: string | null;
}

let depth = 0;

/** Whether a step is being recorded: compiled steps inside it then run op by op, and so into the record. */
export function isRecording(): boolean {
  return depth > 0;
}

/**
 * Runs a step on the `tensorflow` backend and writes down every op that the backend executes. The binding's properties
 * are read-only, so for the time of the run the backend is given an object that inherits from it.
 * @param inputs the tensors that become inputs of the graph; all others that the step reads are constants of it
 */
export function record<Out>(native: NativeBackend, inputs: readonly tf.Tensor[], step: () => Out): Recorded<Out> {
  const { binding } = native;
  // On the device before anything is recorded, so that reading one inside the step shows.
  const recorder = new Recorder(binding, native.getInputTensorIds(inputs));
  const held = native as { binding: NativeBinding };
  held.binding = recorder.binding;
  depth++;
  try {
    const outputs = step();
    const recording = recorder.finish(native.getInputTensorIds(flatten(outputs).tensors));
    return { outputs, recording: recorder.refusal === null ? recording : null, refusal: recorder.refusal };
  } finally {
    depth--;
    held.binding = binding;
  }
}

class Recorder {
  readonly binding: NativeBinding;
  /** The first thing met that cannot be recorded; the step itself goes on. */
  refusal: string | null = null;
  readonly #native: NativeBinding;
  readonly #nodes: RecordedNode[] = [];
  readonly #inputs: number[] = [];
  /** Where each of the binding's tensors comes from; it never gives a number twice. */
  readonly #sources = new Map<number, Source>();

  constructor(native: NativeBinding, inputs: readonly number[]) {
    this.#native = native;
    this.binding = Object.create(native, {
      createTensor: { value: this.#createTensor.bind(this) },
      executeOp: { value: this.#executeOp.bind(this) },
      tensorDataSync: { value: this.#tensorDataSync.bind(this) },
    }) as NativeBinding;
    for (const id of inputs) this.#inputs.push(this.#add({ kind: 'input', type: typeOfTensor(native, id) }, [id]));
  }

  finish(outputs: readonly number[]): Recording {
    return { outputs: outputs.map((id) => this.#sourceOf(id)), nodes: this.#nodes, inputs: this.#inputs };
  }

  #add(node: RecordedNode, ids: readonly number[]): number {
    const index = this.#nodes.push(node) - 1;
    ids.forEach((id, output) => this.#sources.set(id, { node: index, output }));
    return index;
  }

  #refuse(reason: string): void {
    this.refusal ??= reason;
  }

  #createTensor(shape: readonly number[], dtype: number, values: ArrayBufferView | readonly Uint8Array[]): number {
    const id = this.#native.createTensor(shape, dtype, values);
    if (ArrayBuffer.isView(values)) {
      // A copy: TensorFlow and the step share the array.
      const content = bytesOf(values).slice();
      this.#add({ kind: 'constant', type: { dtype, shape: [...shape] }, content: () => content }, [id]);
    } else {
      this.#refuse('it uploads strings');
    }
    return id;
  }

  #executeOp(
    op: string,
    attributes: readonly OpAttribute[],
    ids: readonly number[],
    outputs: number,
  ): TensorMetadata[] {
    if (OWN_RANDOMNESS.test(op)) this.#refuse(`${op} draws its own random numbers; take a noise source as an input`);
    const inputs = ids.map((id) => this.#sourceOf(id));
    const results = this.#native.executeOp(op, attributes, ids, outputs);
    const opaque = [this.#native.TF_RESOURCE, this.#native.TF_STRING, TF_VARIANT];
    if (results.some(({ dtype }) => opaque.includes(dtype))) this.#refuse(`${op} gives something that is no number`);
    const types = results.map(({ dtype, shape }): TensorType => ({ dtype, shape }));
    this.#add(
      { kind: 'op', op, attributes: attributes.map((one) => ({ ...one })), inputs, outputs: types },
      results.map(({ id }) => id),
    );
    return results;
  }

  #tensorDataSync(id: number): ArrayBufferView {
    const source = this.#sources.get(id);
    const node = source === undefined ? undefined : this.#nodes[source.node];
    this.#refuse(`it reads a value back (${node?.kind === 'op' ? `of ${node.op}` : 'of an input or constant'})`);
    return this.#native.tensorDataSync(id);
  }

  /** A tensor that was there before the step, and is none of its inputs, is a constant: frozen weights come in so. */
  #sourceOf(id: number): Source {
    const known = this.#sources.get(id);
    if (known !== undefined) return known;
    const native = this.#native;
    const node = this.#add(
      { kind: 'constant', type: typeOfTensor(native, id), content: () => bytesOf(native.tensorDataSync(id)) },
      [id],
    );
    return { node, output: 0 };
  }
}

/** The binding tells a tensor's type only of an op's outputs; TensorFlow infers Identity's attribute from its input. */
function typeOfTensor(binding: NativeBinding, id: number): TensorType {
  const [{ id: alias, dtype, shape }] = binding.executeOp('Identity', [], [id], 1);
  binding.deleteTensor(alias);
  return { dtype, shape };
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
