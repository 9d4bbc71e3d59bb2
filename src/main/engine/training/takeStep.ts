import * as tf from '@tensorflow/tfjs-core';
import { isOutOfMemory } from '../backends/outOfMemory.ts';
import { takeValues } from '../readBack.ts';
import type { TrainingState } from './checkpoint.ts';
import type { StepResult, TrainedTensors } from './extractorStep.ts';

export interface StepToTake {
  readonly run: (trained: TrainedTensors) => StepResult;
  readonly batchSize: number;
  /** What sets the batch size. */
  readonly setting: `training.${'source' | 'heads'}.batchSize`;
}

/**
 * The state after one training step, and its loss; the state before stays the caller's. Where memory runs out the step is
 * not made again with less, as a pass without training is: gradient and batch norm are of the whole batch, so that half a
 * batch would train another model.
 * @throws what to lower where memory runs out
 */
export async function takeStep(
  state: TrainingState,
  { run, batchSize, setting }: StepToTake,
): Promise<{ loss: number; next: TrainingState }> {
  const { first, second } = state.adam;
  let result: StepResult | null = null;
  try {
    result = run({ parameters: state.parameters, first, second });
    const [loss] = await takeValues(result.loss);
    const adam = { step: state.adam.step + 1, first: result.first, second: result.second };
    return { loss, next: { ...state, parameters: result.parameters, adam } };
  } catch (error) {
    if (result !== null) tf.dispose([result.parameters, result.first, result.second]);
    if (!isOutOfMemory(error)) throw error;
    throw new Error(
      `training: memory ran out in a step with ${setting} ${batchSize}; free memory and resume, which goes on from the ` +
        'last epoch, or lower it and run again, which trains from the beginning, since results depend on it',
      { cause: error },
    );
  }
}
