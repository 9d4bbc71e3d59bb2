/** Progress of early stopping: plain data, so that a checkpoint holds it. */
export interface Patience {
  readonly bestLoss: number | null;
  readonly bestEpoch: number;
}

export const INITIAL_PATIENCE: Patience = { bestLoss: null, bestEpoch: 0 };

/** Takes a validation loss in. A loss that is not a number is never the best. */
export function observe(patience: Patience, epoch: number, loss: number): { patience: Patience; improved: boolean } {
  const improved = patience.bestLoss === null ? !Number.isNaN(loss) : loss < patience.bestLoss;
  return { patience: improved ? { bestLoss: loss, bestEpoch: epoch } : patience, improved };
}

/** Whether training ends after `epoch` (1-based). */
export function exhausted(
  patience: Patience,
  epoch: number,
  settings: { readonly patience: number; readonly maxEpochs: number },
): boolean {
  return epoch >= settings.maxEpochs || epoch - patience.bestEpoch >= settings.patience;
}

/** Whether the validation loss is measured after `epoch`: every so often, and always after the last. */
export function validates(
  epoch: number,
  settings: { readonly validationEvery: number; readonly maxEpochs: number },
): boolean {
  return epoch % settings.validationEvery === 0 || epoch === settings.maxEpochs;
}
