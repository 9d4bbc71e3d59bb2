import { withoutCure } from '../store/artefactFiles.ts';
import { StoreError } from '../store/errors.ts';
import type { RunInProgress, Stage } from './runInProgress.ts';
import { weightsOf } from './storedRun.ts';

/** Trainings whose weights are gone or damaged are made again; what depends on them stays, since the same weights come of it. */
export function reopenWithoutWeights(run: RunInProgress): void {
  const { store, reporter } = run.inputs;
  for (const stage of run.stages) {
    const { kind } = stage.plan;
    if ((kind !== 'extractor' && kind !== 'head') || !run.isDone(stage)) continue;
    const problem = problemOf(run, stage);
    if (problem === null) continue;
    store.stages.setStatus(stage.row.id, { status: 'pending' });
    reporter.notice(`${problem}; it is trained again`);
  }
}

function problemOf({ store }: RunInProgress, { row }: Stage): string | null {
  try {
    weightsOf(store, row);
    return null;
  } catch (error) {
    if (error instanceof StoreError && error.code === 'damaged') return withoutCure(error);
    throw error;
  }
}
