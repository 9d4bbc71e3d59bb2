import type { Domain } from '../../../shared/config.ts';
import type { TrainedExtractor } from '../artefactCodec.ts';
import type { RunInProgress } from '../runInProgress.ts';
import { lackingHeads } from './lackingHeads.ts';

/** The noise attack on all heads, which read the same perturbed representations; goes on after the last committed instance of each. */
export async function noiseAttackStages(
  run: RunInProgress,
  domain: Domain,
  extractor: TrainedExtractor,
): Promise<void> {
  const { results } = run.store;
  await run.work({
    title: `Noise attack, ${domain}`,
    stages: run.of('noise-attack', domain),
    jobs: (open) => {
      const instances = run.description.domains[domain].attacked.noiseAttack;
      const lacking = lackingHeads(open, instances, ({ row }) => results.noiseAttackedIndices(row.id));
      const heads = open.map((stage) => ({ id: stage.plan.key, weights: run.headOf(stage) }));
      return [{ kind: 'noise-attack', ...run.onExtractor(domain, extractor), heads, instances: lacking }];
    },
    commit: (event) => {
      if (event.kind === 'noise-attack') results.insertNoiseAttacks(run.byKey(event.head).row.id, event.records);
    },
  });
}
