import { z } from 'zod';
import type { TransferDescription } from '../../engine/process/protocol.ts';
import type { Store } from '../../store/store.ts';
import type { StageRecord } from '../../store/tables/stage.ts';
import type { StagePlan } from '../stageKeys.ts';
import { provenanceSchema } from './provenance.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** What a shard says of itself; it stands where a run has its environment, so that the shard's hash covers it. */
export const shardFactsSchema = z.object({
  launch: z.string(),
  task: z.string(),
  /** Instances that each of its own stages has in whole; 0 for one that is trained. */
  own: z.record(hash, z.number().int()),
  provenance: provenanceSchema,
});
export type ShardFacts = z.infer<typeof shardFactsSchema>;

/** Instances that the whole of a stage has; 0 for one that is trained. */
export function expectedInstances({ kind, domain }: StagePlan, { domains }: TransferDescription): number {
  if (kind === 'extractor' || kind === 'head') return 0;
  const { instances, attacked } = domains[domain!];
  switch (kind) {
    case 'prediction':
    case 'certification':
      return instances.length;
    case 'pgd':
      return attacked.pgd.length;
    case 'noise-attack':
      return attacked.noiseAttack.length;
    case 'adversarial-search':
      return attacked.adversarialSearch.length;
  }
}

/** Instances of an evaluated stage that are in the store. */
export function instancesIn({ results }: Pick<Store, 'results'>, { id, kind }: StageRecord): number {
  switch (kind) {
    case 'extractor':
    case 'head':
      return 0;
    case 'prediction':
      return results.predictions(id).length;
    case 'pgd':
      return results.attackedIndices(id).length;
    case 'noise-attack':
      return results.noiseAttackedIndices(id).length;
    case 'adversarial-search':
      return results.searchedIndices(id).length;
    case 'certification':
      return results.certifiedIndices(id).length;
  }
}

/** Epochs and instances that stages have in the store: how far a task has come. */
export function committedIn(store: Store, stages: readonly StageRecord[]): number {
  const units = (stage: StageRecord): number => instancesIn(store, stage) + store.stages.epochs(stage.id).length;
  return stages.reduce((sum, stage) => sum + units(stage), 0);
}

/** Every `of`-th instance from `index` on, so that early instances come early whatever the part. */
export function partOf(
  description: TransferDescription,
  { index, of }: { readonly index: number; readonly of: number },
): TransferDescription {
  const isOfPart = (_: number, i: number): boolean => i % of === index;
  const part = (domain: TransferDescription['domains']['source']): TransferDescription['domains']['source'] => ({
    ...domain,
    instances: domain.instances.filter(isOfPart),
    attacked: {
      noiseAttack: domain.attacked.noiseAttack.filter(isOfPart),
      pgd: domain.attacked.pgd.filter(isOfPart),
      adversarialSearch: domain.attacked.adversarialSearch.filter(isOfPart),
    },
  });
  return { domains: { source: part(description.domains.source), target: part(description.domains.target) } };
}
