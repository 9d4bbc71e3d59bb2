import { datasetLabel } from '../../../shared/datasetLabel.ts';
import { decodeExtractor, encodeExtractor, type TrainedExtractor } from '../artefactCodec.ts';
import type { RunInProgress } from '../runInProgress.ts';
import { weightsOf } from '../storedRun.ts';

/** Trains the extractor with its head on the source, or takes it from an earlier run. */
export async function extractorStage(run: RunInProgress): Promise<TrainedExtractor> {
  const stage = run.stages.find(({ plan }) => plan.kind === 'extractor')!;
  await run.work({
    title: `Extractor ${run.config.extractor.preset} on ${datasetLabel(run.config.source.dataset)}`,
    stages: [stage],
    jobs: () => [
      { kind: 'train-extractor', transfer: run.transfer, config: run.config, checkpoint: run.checkpointOf(stage) },
    ],
    commit: (event) => {
      if (event.kind === 'epoch') run.recordEpoch(stage, event);
      if (event.kind === 'extractor') run.keepWeights(stage, encodeExtractor(event));
    },
  });
  return decodeExtractor(weightsOf(run.store, stage.row));
}
