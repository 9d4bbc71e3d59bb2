import type { HeadWeights } from '../../../src/shared/results.ts';
import { QUIET } from '../../../src/main/engine/context.ts';
import type { Checkpoint } from '../../../src/main/engine/training/checkpoint.ts';
import type { EpochReport } from '../../../src/main/engine/training/trainExtractor.ts';
import { trainHeads, type TrainHeadsInputs } from '../../../src/main/engine/training/trainHeads.ts';

/** All that a head's training told, but for its times. */
export interface Trained {
  readonly reports: Omit<EpochReport, 'seconds'>[];
  readonly checkpoints: Checkpoint[];
  weights: HeadWeights | null;
}

/** Trains heads together. @returns what each of them told */
export async function train(inputs: TrainHeadsInputs): Promise<Trained[]> {
  const trained = inputs.heads.map((): Trained => ({ reports: [], checkpoints: [], weights: null }));
  await trainHeads(inputs, {
    ...QUIET,
    epoch: (head, { seconds: _, ...report }, checkpoint) => {
      trained[head].reports.push(report);
      trained[head].checkpoints.push(checkpoint);
    },
    finished: (head, weights) => (trained[head].weights = weights),
  });
  return trained;
}
