import { withoutPrefix, withPrefix, type NamedArrays } from '../models/arrays.ts';
import { arraysFrom, disposeParameters, parametersFrom, type Parameters } from '../models/parameters.ts';
import type { AdamState } from './adam.ts';
import type { Patience } from './earlyStopping.ts';

/** All that decides how a training goes on after an epoch. */
export interface TrainingState {
  readonly epoch: number;
  readonly parameters: Parameters;
  readonly adam: AdamState;
  readonly patience: Patience;
  /** Parameters at the best validation loss; null before the first validation. */
  readonly best: NamedArrays | null;
}

export function disposeState({ parameters, adam }: TrainingState): void {
  for (const group of [parameters, adam.first, adam.second]) disposeParameters(group);
}

/** The same on the host. */
export interface Checkpoint {
  readonly epoch: number;
  readonly adamStep: number;
  readonly patience: Patience;
  readonly arrays: NamedArrays;
}

export async function checkpointFrom({ epoch, parameters, adam, patience, best }: TrainingState): Promise<Checkpoint> {
  return {
    epoch,
    adamStep: adam.step,
    patience,
    arrays: {
      ...withPrefix(await arraysFrom(parameters), 'parameters.'),
      ...withPrefix(await arraysFrom(adam.first), 'first.'),
      ...withPrefix(await arraysFrom(adam.second), 'second.'),
      ...withPrefix(best ?? {}, 'best.'),
    },
  };
}

export function restoreCheckpoint({ epoch, adamStep, patience, arrays }: Checkpoint): TrainingState {
  const best = withoutPrefix(arrays, 'best.');
  const part = (prefix: string): Parameters => parametersFrom(withoutPrefix(arrays, prefix));
  return {
    epoch,
    parameters: part('parameters.'),
    adam: { step: adamStep, first: part('first.'), second: part('second.') },
    patience,
    best: Object.keys(best).length === 0 ? null : best,
  };
}
