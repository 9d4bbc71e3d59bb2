import type { Domain } from '../../../shared/config.ts';
import type { TrainedExtractor } from '../artefactCodec.ts';
import type { RunInProgress } from '../runInProgress.ts';

/** Adversarial representations of each one-layer head, and inputs near them; goes on after the last committed instance. */
export async function adversarialSearchStages(
  run: RunInProgress,
  domain: Domain,
  extractor: TrainedExtractor,
): Promise<void> {
  const { results } = run.store;
  for (const stage of run.of('adversarial-search', domain)) {
    await run.work({
      title: `Adversarial representations, ${domain}, ${stage.plan.head}`,
      stages: [stage],
      jobs: () => {
        const searched = new Set(results.searchedIndices(stage.row.id));
        const { adversarialSearch } = run.description.domains[domain].attacked;
        const indices = adversarialSearch.filter((index) => !searched.has(index));
        const head = { id: stage.plan.key, weights: run.headOf(stage) };
        return [{ kind: 'adversarial-search', ...run.onExtractor(domain, extractor), head, indices }];
      },
      commit: (event) => {
        if (event.kind === 'adversarial-search') results.insertAdversarialSearches(stage.row.id, event.records);
      },
    });
  }
}
