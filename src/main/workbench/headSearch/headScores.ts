import { z } from 'zod';
import type { HeadScore } from '../../../shared/results.ts';
import type { StageRecord } from '../../store/tables/stage.ts';

const metricsSchema = z.object({
  scores: z.record(z.string(), z.object({ instances: z.int(), certified: z.int(), meanRadiusNormalised: z.number() })),
});

/** Scores that are kept with a head, by their keys; none where it was never in a search. */
export function headScores({ metrics }: Pick<StageRecord, 'metrics'>): Map<string, HeadScore> {
  const found = metricsSchema.safeParse(metrics);
  return new Map(found.success ? Object.entries(found.data.scores) : []);
}
