import type { Domain } from '../../../shared/config.ts';
import { datasetLabel } from '../../../shared/datasetLabel.ts';
import type { Job } from '../../engine/process/protocol.ts';
import { encodeHead, type TrainedExtractor } from '../artefactCodec.ts';
import type { RunInProgress, Stage } from '../runInProgress.ts';
import { isExtractorsHead } from '../stageKeys.ts';

/** Trains the heads of these domains, those of one domain in one pass; the extractor's own is taken as it is. */
export async function headStages(
  run: RunInProgress,
  domains: readonly Domain[],
  extractor: TrainedExtractor,
): Promise<void> {
  const stages = domains.flatMap((domain) => run.of('head', domain));
  const isOwn = ({ plan }: Stage): boolean =>
    plan.domain === 'source' && isExtractorsHead(run.config, run.config.heads[plan.headIndex!]);
  for (const stage of stages.filter(isOwn)) {
    if (!run.isDone(stage)) run.keepWeights(stage, encodeHead(extractor.head));
  }
  const jobOf = (domain: Domain, open: readonly Stage[]): Extract<Job, { kind: 'train-heads' }> => ({
    kind: 'train-heads',
    ...run.onExtractor(domain, extractor),
    heads: open
      .filter(({ plan }) => plan.domain === domain)
      .map((stage) => ({
        id: stage.plan.key,
        spec: run.config.heads[stage.plan.headIndex!],
        checkpoint: run.checkpointOf(stage),
      })),
  });
  await run.work({
    title: `Heads on ${domains.map((domain) => `${datasetLabel(run.config[domain].dataset)} (${domain})`).join(' and ')}`,
    stages: stages.filter((stage) => !isOwn(stage)),
    jobs: (open) => domains.map((domain) => jobOf(domain, open)).filter(({ heads }) => heads.length > 0),
    commit: (event) => {
      if (event.kind === 'epoch') run.recordEpoch(run.byKey(event.head!), event);
      if (event.kind === 'head') run.keepWeights(run.byKey(event.head), encodeHead(event.weights));
    },
  });
}
