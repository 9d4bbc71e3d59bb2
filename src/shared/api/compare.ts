import { z } from 'zod';
import { DOMAINS } from '../config.ts';
import type { ReportRow } from '../report.ts';
import { call, recordsOf, runId, type Calls } from './call.ts';
import { cellSchema } from './runs.ts';

/** McNemar's exact test of one measure between the first run and another, on the instances that both have. */
export const pairedTestSchema = z.object({
  run: runId,
  domain: z.enum(DOMAINS),
  head: z.string(),
  measure: z.string(),
  shared: z.int(),
  onlyFirst: z.int(),
  onlyOther: z.int(),
  pValue: z.number(),
});
export type PairedTest = z.infer<typeof pairedTestSchema>;

export const compareCalls = {
  'compare.runs': call(
    z.strictObject({ runs: z.array(runId).min(1).max(8) }),
    z.object({
      runs: z.array(z.object({ run: runId, name: z.string(), status: z.string(), rows: recordsOf<ReportRow>() })),
      /** Leaves of the configs in which they differ, a value for each run; null where a run has none. */
      differing: z.array(z.object({ key: z.string(), values: z.array(cellSchema) })),
    }),
  ),
  /** Of every head and measure that counts instances. */
  'compare.tests': call(z.strictObject({ runs: z.array(runId).min(2).max(8) }), z.array(pairedTestSchema)),
} as const satisfies Calls;
