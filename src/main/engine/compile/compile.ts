import * as tf from '@tensorflow/tfjs-core';
import type { Precision } from '../../../shared/config.ts';
import { isOutOfMemory } from '../backends/outOfMemory.ts';
import { nativeBackend, type NativeBackend } from '../ops/native.ts';
import { canFuse, fuseConvolutions } from './fuseConvolutions.ts';
import { loadGraph, type LoadedGraph } from './loadedGraph.ts';
import { inPrecision } from './lowPrecision.ts';
import { isRecording, record, type Recorded } from './record.ts';
import { difference } from './recording.ts';
import { savedModelOf } from './savedModel.ts';
import { flatten, formOf, type NamedTensors } from './tensorTree.ts';

/** How a step ran last. */
export type CompileStatus =
  | { readonly mode: 'not-run' }
  /** @property graphs one a set of input shapes */
  | { readonly mode: 'compiled'; readonly graphs: number }
  /** Op by op, with a sentence why. */
  | { readonly mode: 'eager'; readonly reason: string };

export interface CompiledStep<In, Out> {
  /** The inputs stay the caller's. The outputs are new tensors, the caller's too; gradients do not pass through. */
  run(inputs: In): Out;
  status(): CompileStatus;
  /** Frees the graphs. A later run makes new ones. */
  dispose(): void;
}

export interface CompileSettings {
  /**
   * What convolutions compute in. A step in `bfloat16` or `float16` is another function than the same step in
   * `float32`, so it never runs as the latter: where it cannot be a graph, running it is an error.
   */
  readonly precision: Precision;
}

/** A step for one set of input shapes. */
type Prepared<Out> =
  | { readonly mode: 'compiled'; readonly graph: LoadedGraph; readonly form: (flat: readonly tf.Tensor[]) => Out }
  | { readonly mode: 'eager'; readonly reason: string };

/**
 * Makes a graph of a step, so that TensorFlow runs it as a whole instead of op by op; on other backends the step runs
 * as it is, inside tidy.
 *
 * The step must be a pure function: tensors in, tensors out, nothing read back inside. For each set of input shapes it
 * is run twice op by op while every op is written down; **all that is not an input is a constant of the graph from then
 * on**, be it a tensor that the step closes over (frozen weights: TensorFlow folds and packs them) or a number. What
 * changes between calls, and above all the key of random draws, must therefore be an input; two runs that differ are
 * noticed. A step that cannot be recorded runs op by op and `status` says why. Results of the first call come from the
 * graph like all later ones, so that a resumed run repeats the bits of the one that it continues.
 */
export function compile<In extends NamedTensors<In>, Out extends NamedTensors<Out>>(
  step: (inputs: In) => Out,
  { precision }: CompileSettings = { precision: 'float32' },
): CompiledStep<In, Out> {
  const prepared = new Map<string, Prepared<Out>>();
  let status: CompileStatus = { mode: 'not-run' };
  const eagerly = (inputs: In, reason: string): Out => {
    if (precision !== 'float32') {
      throw new Error(`compile: a step in ${precision} must run as a graph, and does not: ${reason} Use float32.`);
    }
    status = { mode: 'eager', reason };
    return runEagerly(step, inputs);
  };
  const run = (inputs: In): Out => {
    const native = nativeBackend();
    if (native === null) return eagerly(inputs, `The ${tf.getBackend()} backend has no graphs.`);
    if (isRecording()) return eagerly(inputs, 'It is part of another step.');
    const { names, tensors } = flatten(inputs);
    const key = tensors.map(({ dtype, shape }, i) => `${names[i]} ${dtype} ${shape.join('×')}`).join('\n');
    const ready = prepared.get(key) ?? prepare(native, { step, precision }, inputs);
    prepared.set(key, ready);
    if (ready.mode === 'eager') return eagerly(inputs, ready.reason);
    status = { mode: 'compiled', graphs: prepared.size };
    return ready.form(ready.graph.run(tensors));
  };
  return {
    run,
    status: () => status,
    dispose: () => {
      for (const one of prepared.values()) if (one.mode === 'compiled') one.graph.dispose();
      prepared.clear();
    },
  };
}

/** Clones, so that an input handed through is a tensor of its own, as a graph's output would be. */
function runEagerly<In, Out>(step: (inputs: In) => Out, inputs: In): Out {
  let form = formOf({});
  try {
    const tensors = tf.tidy(() => {
      const outputs = step(inputs);
      form = formOf(outputs);
      return flatten(outputs).tensors.map((tensor) => tf.clone(tensor));
    });
    return form(tensors) as Out;
  } catch (error) {
    disposeTape();
    throw error;
  }
}

/** tfjs keeps what a gradient's way back will read, beyond every scope, and frees it at the end of a way back only. */
function disposeTape(): void {
  const { state } = tf.engine() as unknown as { readonly state: GradientState };
  // An outer gradient goes on.
  if (state.gradientDepth > 0) return;
  for (const { saved } of state.activeTape ?? []) tf.dispose(saved ?? []);
  state.activeTape = null;
}

/** The part of the tfjs engine's state that a gradient writes. */
interface GradientState {
  readonly gradientDepth: number;
  activeTape: readonly { readonly saved?: tf.Tensor[] }[] | null;
}

function prepare<In, Out>(
  native: NativeBackend,
  { step, precision }: { step: (inputs: In) => Out } & CompileSettings,
  inputs: In,
): Prepared<Out> {
  const { tensors } = flatten(inputs);
  let form = formOf({}) as (flat: readonly tf.Tensor[]) => Out;
  const once = (): Omit<Recorded<Out>, 'outputs'> => {
    const { outputs, ...recorded } = record(native, tensors, () => runEagerly(step, inputs));
    form = formOf(outputs) as typeof form;
    tf.dispose(flatten(outputs).tensors);
    return recorded;
  };
  const [first, second] = [once(), once()];
  if (first.recording === null || second.recording === null) {
    return { mode: 'eager', reason: `The step cannot be a graph: ${first.refusal ?? second.refusal ?? ''}.` };
  }
  const differs = difference(first.recording, second.recording);
  if (differs !== null) return { mode: 'eager', reason: `Two runs of the step on one input differ: ${differs}.` };
  try {
    const { recording: recorded } = second;
    const recording = canFuse(native, precision) ? fuseConvolutions(recorded, native.binding) : recorded;
    const written = precision === 'float32' ? recording : inPrecision(precision, recording, native.binding);
    const graph = loadGraph(native, savedModelOf(written, native.binding));
    return { mode: 'compiled', graph, form };
  } catch (error) {
    // Op by op it would need more memory still.
    if (isOutOfMemory(error)) throw error;
    return { mode: 'eager', reason: `TensorFlow does not take the graph: ${(error as Error).message}` };
  }
}
