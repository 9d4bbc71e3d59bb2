import type { Domain } from '../../../shared/config.ts';
import type { SelfChecks } from '../../../shared/results.ts';
import type { TrainedExtractor } from '../artefactCodec.ts';
import type { RunInProgress, Stage } from '../runInProgress.ts';
import { selfChecksOf } from '../selfChecks.ts';

/** PGD head by head, since the attack follows the head's gradient; goes on after the last committed instance. */
export async function pgdStages(run: RunInProgress, domain: Domain, extractor: TrainedExtractor): Promise<void> {
  const { results } = run.store;
  for (const stage of run.of('pgd', domain)) {
    await run.work({
      title: `PGD, ${domain}, ${stage.plan.head}`,
      stages: [stage],
      jobs: () => {
        const attacked = new Set(results.attackedIndices(stage.row.id));
        const indices = run.description.domains[domain].attacked.pgd.filter((index) => !attacked.has(index));
        const head = { id: stage.plan.key, weights: run.headOf(stage) };
        return [{ kind: 'pgd', ...run.onExtractor(domain, extractor), head, indices }];
      },
      commit: (event) => {
        if (event.kind === 'pgd') results.insertPgd(stage.row.id, event.records);
      },
      metrics: () => ({ selfChecks: ownSelfChecks(run, stage) }),
    });
  }
}

/** With the noise attack of this run, if it has one, on the same head. */
function ownSelfChecks(run: RunInProgress, { plan, row }: Stage): SelfChecks {
  const { results } = run.store;
  const noise = run.of('noise-attack', plan.domain!).find((stage) => stage.plan.headIndex === plan.headIndex);
  return selfChecksOf(run.config, {
    pgd: results.pgd(row.id),
    noise: noise === undefined ? [] : results.noiseAttacks(noise.row.id),
  });
}
