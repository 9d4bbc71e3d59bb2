import type { Job } from './protocol.ts';

/**
 * A job as jobs for several engines, by instance; one that cannot be divided, such as a training, stays whole. No result
 * depends on which others are computed beside it, so the parts' results are those of the whole.
 * @param engines how many serve; the parts may be fewer, and are never empty unless the whole job is
 */
export function splitJob(job: Job, engines: number): readonly Job[] {
  const parts = Math.min(instancesOf(job), engines);
  return parts < 2 ? [job] : Array.from({ length: parts }, (_, part) => dealt(job, part, parts));
}

/** Instances that a job goes through; 0 for one that is not divided. */
export function instancesOf(job: Job): number {
  if ('indices' in job) return job.indices.length;
  return hasLackingHeads(job) ? job.instances.length : 0;
}

/** Dealt out like cards: early instances come early, and every part has as many, but for one. */
function dealt(job: Job, part: number, parts: number): Job {
  const isOfPart = (_: unknown, i: number): boolean => i % parts === part;
  if ('indices' in job) return { ...job, indices: job.indices.filter(isOfPart) };
  return hasLackingHeads(job) ? { ...job, instances: job.instances.filter(isOfPart) } : job;
}

function hasLackingHeads(job: Job): job is Extract<Job, { kind: 'certify' | 'noise-attack' }> {
  return job.kind === 'certify' || job.kind === 'noise-attack';
}
