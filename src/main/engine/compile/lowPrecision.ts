import type { NativeBinding, OpAttribute } from '../ops/native.ts';
import { FUSED } from './fuseConvolutions.ts';
import { typeOf, type OpNode, type RecordedNode, type Recording, type Source } from './recording.ts';

/** TF_BFLOAT16 and TF_HALF of tensorflow/c/tf_datatype.h; tfjs has no names for them. */
const TYPES = { bfloat16: 14, float16: 19 } as const;

/**
 * Ops that are narrowed, each with one output and its type in the attribute `T`, and in `TArgs` those of the operands that
 * are fused with it: they spend nearly all of the time.
 * Matrix products are not among them: they are the heads', which certificates by box propagation know exactly, and small.
 */
const CONVOLUTIONS = new Set(['Conv2D', FUSED, 'Conv2DBackpropInput', 'Conv2DBackpropFilter']);

/**
 * The recording with casts to a narrower type before convolutions, with what is fused to them, and back after them. Sums
 * inside them are of float32; all else stays float32, and casts of constants are folded when the graph is loaded.
 *
 * An op on constants alone stays float32 too: it is computed once, while loading, so there is no time to save, and the
 * kernel that computes it there is another one (of Conv2DBackpropInput it was 7e-3 to 9e-3 of the largest value away
 * from float32 sums of rounded operands, which the kernel that runs later gives exactly).
 */
export function inPrecision(precision: keyof typeof TYPES, recording: Recording, binding: NativeBinding): Recording {
  const type = TYPES[precision];
  const nodes: RecordedNode[] = [];
  /** Where each recorded node's outputs are now. */
  const moved: number[] = [];
  const narrowed = new Map<string, Source>();
  /** Whether a recorded node depends on no input. */
  const fixed: boolean[] = [];
  const now = ({ node, output }: Source): Source => ({ node: moved[node], output });
  const add = (node: RecordedNode): number => nodes.push(node) - 1;
  const cast = (source: Source, from: number, to: number, shape: readonly number[]): number =>
    add({
      kind: 'op',
      op: 'Cast',
      attributes: castAttributes(binding, from, to),
      inputs: [source],
      outputs: [{ dtype: to, shape }],
    });
  const narrow = (source: Source): Source => {
    const { dtype, shape } = typeOf(recording, source);
    if (dtype !== binding.TF_FLOAT) return now(source);
    const key = `${source.node} ${source.output}`;
    const known = narrowed.get(key) ?? { node: cast(now(source), dtype, type, shape), output: 0 };
    narrowed.set(key, known);
    return known;
  };
  recording.nodes.forEach((node, at) => {
    fixed.push(node.kind === 'op' ? node.inputs.every((source) => fixed[source.node]) : node.kind === 'constant');
    if (node.kind !== 'op') {
      moved.push(add(node));
    } else if (fixed.at(-1) === true || !isConvolution(node, binding)) {
      moved.push(add({ ...node, inputs: node.inputs.map(now) }));
    } else {
      const [{ shape }] = node.outputs;
      const attributes = node.attributes.map((one) => {
        if (one.name === 'T') return { ...one, value: type };
        return one.name === 'TArgs' ? { ...one, value: (one.value as number[]).map(() => type) } : one;
      });
      const inputs = node.inputs.map(narrow);
      let { op } = node;
      if (op === FUSED) {
        // The public op of fused convolutions takes no bfloat16; the one that TensorFlow puts in its place does.
        op = '_MklNativeFusedConv2D';
        attributes.push({ name: '_kernel', type: binding.TF_ATTR_STRING, value: 'MklNameChangeOp' });
      }
      const low = add({ ...node, op, attributes, inputs, outputs: [{ dtype: type, shape }] });
      // Convolution behind convolution hands the narrow values on; the cast back is for whoever else reads them.
      narrowed.set(`${at} 0`, { node: low, output: 0 });
      moved.push(cast({ node: low, output: 0 }, type, binding.TF_FLOAT, shape));
    }
  });
  return { nodes, inputs: recording.inputs.map((node) => moved[node]), outputs: recording.outputs.map(now) };
}

function isConvolution({ op, outputs }: OpNode, { TF_FLOAT }: NativeBinding): boolean {
  return CONVOLUTIONS.has(op) && outputs[0].dtype === TF_FLOAT;
}

function castAttributes({ TF_ATTR_TYPE, TF_ATTR_BOOL }: NativeBinding, from: number, to: number): OpAttribute[] {
  return [
    { name: 'SrcT', type: TF_ATTR_TYPE, value: from },
    { name: 'DstT', type: TF_ATTR_TYPE, value: to },
    { name: 'Truncate', type: TF_ATTR_BOOL, value: false },
  ];
}
