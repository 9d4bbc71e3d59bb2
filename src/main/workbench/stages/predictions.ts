import type { Domain } from '../../../shared/config.ts';
import type { TrainedExtractor } from '../artefactCodec.ts';
import type { RunInProgress } from '../runInProgress.ts';

/** Predictions of all heads on the clean instances, in one pass. */
export async function predictionStages(run: RunInProgress, domain: Domain, extractor: TrainedExtractor): Promise<void> {
  await run.work({
    title: `Clean accuracy, ${domain}`,
    stages: run.of('prediction', domain),
    jobs: (open) => [
      {
        kind: 'predict',
        ...run.onExtractor(domain, extractor),
        heads: open.map((stage) => ({ id: stage.plan.key, weights: run.headOf(stage) })),
        indices: run.description.domains[domain].instances,
      },
    ],
    commit: (event) => {
      if (event.kind !== 'predictions') return;
      run.store.results.insertPredictions(run.byKey(event.head).row.id, event.records);
    },
  });
}
