import type { Job } from './protocol.ts';

/**
 * A job as jobs for several engines, by instance; one that cannot be divided, such as a training, stays whole. No result
 * depends on which others are computed beside it, so the parts' results are those of the whole.
 * @param engines how many serve; the parts may be fewer, and are never empty unless the whole job is
 */
export function splitJob(job: Job, engines: number): readonly [Job, ...Job[]] {
  switch (job.kind) {
    case 'predict':
    case 'pgd': {
      const deal = (part: number, parts: number) => job.indices.filter((_, i) => i % parts === part);
      return partsOf(job.indices.length, engines, (part, parts) => ({ ...job, indices: deal(part, parts) }));
    }
    case 'certify': {
      const deal = (part: number, parts: number) => job.instances.filter((_, i) => i % parts === part);
      return partsOf(job.instances.length, engines, (part, parts) => ({ ...job, instances: deal(part, parts) }));
    }
    case 'describe':
    case 'train-extractor':
    case 'train-heads':
      return [job];
  }
}

/** Instances that a job goes through; 0 for one that is not divided. */
export function instancesOf(job: Job): number {
  switch (job.kind) {
    case 'predict':
    case 'pgd':
      return job.indices.length;
    case 'certify':
      return job.instances.length;
    case 'describe':
    case 'train-extractor':
    case 'train-heads':
      return 0;
  }
}

/** Dealt out like cards: early instances come early, and every part has as many, but for one. */
function partsOf(
  instances: number,
  engines: number,
  partOf: (part: number, parts: number) => Job,
): readonly [Job, ...Job[]] {
  const parts = Math.max(1, Math.min(instances, engines));
  const rest = Array.from({ length: parts - 1 }, (_, i) => partOf(i + 1, parts));
  return [partOf(0, parts), ...rest];
}
