import * as tf from '@tensorflow/tfjs-core';
import type { Precision } from '../../../shared/config.ts';
import type { StageContext } from '../context.ts';
import { compile, type CompiledStep } from '../compile/compile.ts';
import { Passes } from '../passes.ts';
import { valuesOf } from '../readBack.ts';

/**
 * Instances in search at a time: few, so that several engines have full batches of those that they are dealt, and always
 * as many, since the last digits of a gradient depend on the size of its batch. A power of two, since in a batch of 20
 * they depended on the row as well, which an instance should not notice.
 */
const BATCH = 16;

/** Tensors of a step by name, each [N, width]. */
type Tensors<Name extends string> = Readonly<Record<Name, tf.Tensor2D>>;
/** One row of each on the host, [width]; writing to a row of inputs changes what the next step is given. */
export type Rows<Name extends string> = Readonly<Record<Name, Float32Array>>;
type Widths<Name extends string> = Readonly<Record<Name, number>>;

/** A search that goes on step by step from each instance, as long as each needs. */
export interface RowSearch<Target, In extends string, Out extends string> {
  /** What the steps are, in the plural, for notices. */
  readonly of: string;
  readonly indices: Int32Array;
  readonly precision: Precision;
  readonly inputs: Widths<In>;
  readonly outputs: Widths<Out>;
  /** For `compile`. A row's outputs depend on its inputs alone. */
  step(tensors: Tensors<In>): Tensors<Out>;
  /** Takes an instance up: fills its row, which holds what the instance before it left. */
  begin(datasetIndex: number, row: Rows<In>): Target;
  /** Takes in what a step saw of an instance, and puts its next point in its row. @returns whether it is done */
  advance(target: Target, row: Rows<In>, seen: Rows<Out>): boolean;
}

/** A row of the batch and whose it is; one without a target is nobody's, and nobody reads what becomes of it. */
interface Place<Target, In extends string> {
  target: Target | null;
  readonly row: Rows<In>;
}

/**
 * Works a search off for all instances. The batch is always full: an instance that is done gives its row to the next. So
 * one compiled step serves, no row computes in vain, and what becomes of an instance does not depend on when the others leave.
 */
export async function searchInFullBatches<Target, In extends string, Out extends string>(
  search: RowSearch<Target, In, Out>,
  context: StageContext & { finished(targets: readonly Target[]): void },
): Promise<void> {
  const step = compile<Tensors<In>, Tensors<Out>>((tensors) => search.step(tensors), { precision: search.precision });
  const passes = new Passes({ rows: BATCH, of: search.of, release: () => step.dispose() }, context);
  const batch = arraysOf(search.inputs);
  const places = Array.from({ length: BATCH }, (_, i): Place<Target, In> => ({
    target: null,
    row: rowOf(batch, search.inputs, i),
  }));
  const waiting = search.indices.values();
  let done = 0;
  try {
    while (fill(search, places, waiting) > 0) {
      const seen = await runStep(search, { step, passes }, batch);
      const finished = places.flatMap((place, i) => {
        const { target, row } = place;
        if (target === null || !search.advance(target, row, rowOf(seen, search.outputs, i))) return [];
        place.target = null;
        return [target];
      });
      if (finished.length > 0) context.finished(finished);
      done += finished.length;
      context.progress(done, search.indices.length);
    }
  } finally {
    step.dispose();
  }
}

/** Gives free rows to the next instances. @returns the number of rows in use */
function fill<Target, In extends string>(
  search: Pick<RowSearch<Target, In, string>, 'begin'>,
  places: readonly Place<Target, In>[],
  waiting: Iterator<number, unknown>,
): number {
  for (const place of places) {
    if (place.target !== null) continue;
    const next = waiting.next();
    if (next.done === true) break;
    place.target = search.begin(next.value, place.row);
  }
  return places.filter(({ target }) => target !== null).length;
}

async function runStep<In extends string, Out extends string>(
  { inputs, outputs }: Pick<RowSearch<unknown, In, Out>, 'inputs' | 'outputs'>,
  { step, passes }: { readonly step: CompiledStep<Tensors<In>, Tensors<Out>>; readonly passes: Passes },
  batch: Rows<In>,
): Promise<Rows<Out>> {
  const seen = arraysOf(outputs);
  await passes.over(BATCH, async ({ first, count }) => {
    const results = tf.tidy(() =>
      step.run(
        eachOf(inputs, (name, width) =>
          tf.tensor2d(batch[name].subarray(first * width, (first + count) * width), [count, width]),
        ),
      ),
    );
    try {
      for (const name of namesOf(outputs)) seen[name].set(await valuesOf(results[name]), first * outputs[name]);
    } finally {
      tf.dispose(namesOf(outputs).map((name) => results[name]));
    }
  });
  return seen;
}

const namesOf = <Name extends string>(widths: Widths<Name>): Name[] => Object.keys(widths) as Name[];

function eachOf<Name extends string, Value>(
  widths: Widths<Name>,
  make: (name: Name, width: number) => Value,
): Readonly<Record<Name, Value>> {
  return Object.fromEntries(namesOf(widths).map((name) => [name, make(name, widths[name])])) as Record<Name, Value>;
}

/** Of the whole batch, each [BATCH, width]. */
const arraysOf = <Name extends string>(widths: Widths<Name>): Rows<Name> =>
  eachOf(widths, (_, width) => new Float32Array(BATCH * width));

/** Row i of each, as a view. */
const rowOf = <Name extends string>(arrays: Rows<Name>, widths: Widths<Name>, i: number): Rows<Name> =>
  eachOf(widths, (name, width) => arrays[name].subarray(i * width, (i + 1) * width));
