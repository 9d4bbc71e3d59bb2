import type { Domain } from '../../../shared/config.ts';
import type { TrainedExtractor } from '../artefactCodec.ts';
import type { RunInProgress } from '../runInProgress.ts';
import { lackingHeads } from './lackingHeads.ts';

/** Certificates of all heads from the same draws; goes on after the last committed instance of each. */
export async function certificateStages(
  run: RunInProgress,
  domain: Domain,
  extractor: TrainedExtractor,
): Promise<void> {
  const { results } = run.store;
  const { instances } = run.description.domains[domain];
  await run.work({
    title: `Certificates, ${domain}`,
    stages: run.of('certification', domain),
    jobs: (open) => {
      const lacking = lackingHeads(open, instances, ({ row }) => results.certifiedIndices(row.id));
      const heads = open.map((stage) => ({ id: stage.plan.key, weights: run.headOf(stage) }));
      return [{ kind: 'certify', ...run.onExtractor(domain, extractor), heads, instances: lacking }];
    },
    commit: (event) => {
      if (event.kind !== 'certificates') return;
      results.commitInstanceOfStages(
        event.certified.map(({ head, records }) => ({ stageId: run.byKey(head).row.id, certificates: records })),
      );
    },
  });
}
