import * as tf from '@tensorflow/tfjs-core';
import type { PredictionRecord } from '../../../shared/results.ts';
import type { StageContext } from '../context.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { compile } from '../compile/compile.ts';
import { batches, paddedImageTensor } from '../imageSet.ts';
import { classify, type FrozenHead } from '../models/head.ts';
import { takeValues } from '../readBack.ts';
import { extract, type FrozenExtractor } from '../models/wideResNet.ts';

const BATCH = 128;

/** The base classifiers on clean instances: every head reads the same representations. */
export async function predict(
  inputs: { extractor: FrozenExtractor; heads: readonly FrozenHead[]; set: DomainImages; indices: Int32Array },
  context: StageContext & { predicted(head: number, records: readonly PredictionRecord[]): void },
): Promise<void> {
  const { extractor } = inputs;
  const representationsOf = ({ images }: { images: tf.Tensor4D }) => ({ representations: extract(extractor, images) });
  const step = compile(representationsOf, { precision: extractor.precision });
  try {
    let done = 0;
    for (const part of batches(inputs.indices, BATCH)) {
      const z = tf.tidy(() => step.run({ images: paddedImageTensor(inputs.set, part, BATCH) }).representations);
      const labels = inputs.set.labels(part);
      for (const [i, head] of inputs.heads.entries()) {
        const logits = await takeValues(classify(head, z));
        const rowOf = (row: number): Float32Array => logits.slice(row * head.classes, (row + 1) * head.classes);
        context.predicted(
          i,
          Array.from(part, (index, row) => recordOf(index, labels[row], rowOf(row))),
        );
      }
      z.dispose();
      done += part.length;
      context.progress(done, inputs.indices.length);
      await context.breathe();
    }
  } finally {
    step.dispose();
  }
}

function recordOf(datasetIndex: number, label: number, logits: Float32Array): PredictionRecord {
  return { datasetIndex, label, predicted: argMax(logits), logits };
}

/** Index of the largest entry, the first among equals. */
function argMax(values: Float32Array): number {
  return values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
}
