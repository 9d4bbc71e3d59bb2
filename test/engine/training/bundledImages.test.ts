import { beforeAll, describe, expect, it } from 'vitest';
import { PROCEDURES, type HeadSpec, type Procedure } from '../../../src/shared/config.ts';
import { prepareTransfer, type Transfer } from '../../../src/main/data/transfer.ts';
import { openBackend } from '../../../src/main/engine/backends/openBackend.ts';
import { QUIET } from '../../../src/main/engine/context.ts';
import { withoutPrefix } from '../../../src/main/engine/models/arrays.ts';
import { finishedHead } from '../../../src/main/engine/models/head.ts';
import { disposeParameters, parametersFrom } from '../../../src/main/engine/models/parameters.ts';
import { freeze } from '../../../src/main/engine/models/wideResNet.ts';
import type { Checkpoint } from '../../../src/main/engine/training/checkpoint.ts';
import { HEAD } from '../../../src/main/engine/training/extractorStep.ts';
import { trainExtractor } from '../../../src/main/engine/training/trainExtractor.ts';
import { trainHeads } from '../../../src/main/engine/training/trainHeads.ts';
import { trainingOf } from './trainingOf.ts';

const NET = { blocks: [1, 1, 1], width: 1 } as const;
const SIZES = { inputs: 64, classes: 10 };
const SHALLOW: HeadSpec = { layers: 1, constraint: 'wn', bound: 1, groupSize: 2, temperature: 1 };
const HEADS: readonly HeadSpec[] = [
  { ...SHALLOW, layers: 4 },
  { ...SHALLOW, constraint: 'wn-l1', temperature: 30 },
];
const EPOCHS = 3;

let transfer: Transfer;
beforeAll(async () => {
  await openBackend();
  const part = { trainingInstances: 200 };
  transfer = prepareTransfer({
    source: { dataset: 'fashion-mnist', ...part },
    target: { dataset: 'mnist', ...part, size: 'source' },
    seed: 1,
  });
});

/** One batch is all images, so an epoch is an update, and its checkpoint what the update left. */
const settingsOf = (procedure: Procedure, learningRate: number) =>
  trainingOf({ procedure, learningRate, batchSize: 180, maxEpochs: EPOCHS, attackSteps: 2, epsilon: 0.5, sigma: 0.2 });

/** Largest norm of a row of the head that a checkpoint holds: of L2 under wn, of L1 under wn-l1. */
async function largestRow({ arrays }: Checkpoint, prefix: string, head: HeadSpec): Promise<number> {
  const parameters = parametersFrom(withoutPrefix(arrays, prefix));
  const { layers } = await finishedHead({ spec: head, ...SIZES }, parameters);
  disposeParameters(parameters);
  const norms = layers.flatMap(({ inputs, outputs, weight }) =>
    Array.from({ length: outputs }, (_, j) => {
      const row = Float64Array.from(weight.subarray(j * inputs, (j + 1) * inputs));
      return head.constraint === 'wn' ? Math.hypot(...row) : row.reduce((sum, w) => sum + Math.abs(w), 0);
    }),
  );
  return Math.max(...norms);
}

/** Rows are computed in float32: relative rounding of a sum of 64 terms. */
const MOST = 1 + 64 * 2 ** -23;

describe.each(PROCEDURES)('%s on 200 bundled images', (procedure) => {
  it('trains extractor and heads: losses fall, and constraints hold after every update', async () => {
    const sourceLosses: number[] = [];
    const made: Checkpoint[] = [];
    const { extractor: trained } = await trainExtractor(
      {
        net: NET,
        head: { spec: SHALLOW, ...SIZES },
        training: transfer.source.train,
        validation: transfer.source.validation,
        settings: settingsOf(procedure, 1e-2),
        seed: 1,
        checkpoint: null,
      },
      { ...QUIET, epoch: (report, checkpoint) => (sourceLosses.push(report.trainingLoss), made.push(checkpoint)) },
    );
    expect(sourceLosses.at(-1)!).toBeLessThan(sourceLosses[0] - 0.2);
    for (const checkpoint of made) {
      expect(await largestRow(checkpoint, `parameters.${HEAD}`, SHALLOW)).toBeLessThanOrEqual(MOST);
    }

    const extractor = freeze(NET, trained);
    const losses: number[][] = HEADS.map(() => []);
    const largest: Promise<number>[] = [];
    await trainHeads(
      {
        domain: 'target',
        extractor,
        heads: HEADS.map((spec) => ({ shape: { spec, ...SIZES }, checkpoint: null })),
        training: transfer.target.train,
        validation: transfer.target.validation,
        settings: settingsOf(procedure, 1e-3),
        seed: 1,
      },
      {
        ...QUIET,
        epoch: (head, report, checkpoint) => {
          losses[head].push(report.trainingLoss);
          largest.push(largestRow(checkpoint, 'parameters.', HEADS[head]));
        },
        finished: () => undefined,
      },
    );
    disposeParameters(extractor.parameters);
    for (const ofHead of losses) expect(ofHead.at(-1)!).toBeLessThan(ofHead[0]);
    expect(largest).toHaveLength(HEADS.length * EPOCHS);
    for (const row of await Promise.all(largest)) expect(row).toBeLessThanOrEqual(MOST);
  }, 180_000);
});
