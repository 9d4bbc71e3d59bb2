import * as tf from '@tensorflow/tfjs-core';
import type { PredictionRecord } from '../../../shared/results.ts';
import type { StageContext } from '../context.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { imagesOfPass } from '../imageSet.ts';
import { classify, type FrozenHead } from '../models/head.ts';
import type { FrozenExtractor } from '../models/wideResNet.ts';
import { Passes } from '../passes.ts';
import { takeValues } from '../readBack.ts';
import { compileRepresentations } from '../representations.ts';

const BATCH = 128;

/** The base classifiers on clean instances: every head reads the same representations. */
export async function predict(
  inputs: { extractor: FrozenExtractor; heads: readonly FrozenHead[]; set: DomainImages; indices: Int32Array },
  context: StageContext & { predicted(head: number, records: readonly PredictionRecord[]): void },
): Promise<void> {
  const { extractor, heads, set, indices } = inputs;
  const step = compileRepresentations(extractor);
  const passes = new Passes({ rows: BATCH, of: 'predictions', release: () => step.dispose() }, context);
  try {
    await passes.over(indices.length, async (pass) => {
      const { first, count } = pass;
      const part = indices.subarray(first, first + count);
      const logits: Float32Array[] = [];
      const z = tf.tidy(() => step.run({ images: imagesOfPass(set, indices, pass) }).representations);
      try {
        for (const head of heads) logits.push(await takeValues(classify(head, z)));
      } finally {
        z.dispose();
      }
      // Only now: a pass that is made again must not have reported some of its heads.
      const labels = set.labels(part);
      for (const [i, { classes }] of heads.entries()) {
        const rowOf = (row: number): Float32Array => logits[i].slice(row * classes, (row + 1) * classes);
        context.predicted(
          i,
          Array.from(part, (index, row) => recordOf(index, labels[row], rowOf(row))),
        );
      }
      context.progress(first + count, indices.length);
    });
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
