import { z } from 'zod';
import { DOMAINS, methodSchema, ruleSchema, type ExperimentConfig } from '../config.ts';
import type { ReportRow } from '../report.ts';
import { call, float64Array, recordOf, recordsOf, runId, type Calls } from './call.ts';
import { stageViewSchema } from './queue.ts';
import { runStatusSchema } from './runs.ts';

const domain = z.enum(DOMAINS);
export const EXPORT_FORMATS = ['json', 'csv', 'latex', 'safetensors', 'onnx', 'evidence'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Certified accuracy against radius: at a radius it is that of the first step whose radius is not below it, and 0 past the last. */
export const curveSchema = z.object({
  domain,
  head: z.string(),
  method: methodSchema,
  /** "any-sound" is the best of the rules that are proofs. */
  rule: z.union([ruleSchema, z.literal('any-sound')]).nullable(),
  isProof: z.boolean(),
  pixelsPerUnit: z.number().nullable(),
  /** Normalised units, ascending from 0; the share certified that far, and Wilson's 95 % interval. */
  radius: float64Array,
  accuracy: float64Array,
  lower: float64Array,
  upper: float64Array,
  instances: z.int(),
  /** The largest radius that n and α allow, normalised units, how many instances sit there, and an n that lifts it by σ/2; null where it is not known. */
  ceiling: z
    .object({
      radius: z.number(),
      instances: z.int(),
      lifted: z.object({ radius: z.number(), draws: z.int() }).nullable(),
    })
    .nullable(),
});
export type Curve = z.infer<typeof curveSchema>;

export const runCalls = {
  'run.get': call(
    z.strictObject({ run: runId }),
    z.object({
      run: runId,
      name: z.string(),
      status: runStatusSchema,
      failure: z.string().nullable(),
      createdAt: z.string(),
      finishedAt: z.string().nullable(),
      seconds: z.number().nullable(),
      note: z.string(),
      tags: z.array(z.string()),
      isPinned: z.boolean(),
      isArchived: z.boolean(),
      config: recordOf<ExperimentConfig>(),
      environment: z.unknown(),
      rows: recordsOf<ReportRow>(),
      stages: z.array(stageViewSchema),
      studies: z.array(z.int()),
    }),
  ),
  'run.curves': call(z.strictObject({ run: runId }), z.array(curveSchema)),
  /** Classes against what was predicted (clean), or certified; null in `predicted` is an abstention. */
  'run.confusion': call(
    z.strictObject({
      run: runId,
      domain,
      head: z.string(),
      by: z.union([z.literal('clean'), methodSchema]).default('clean'),
      rule: ruleSchema.nullable().default(null),
    }),
    z.object({
      classNames: z.array(z.string()),
      counts: z.array(z.object({ label: z.int(), predicted: z.int().nullable(), n: z.int() })),
    }),
  ),
  /** Writes files of a run into the workbench's folder of exports. @returns where they are */
  'run.exportFiles': call(
    z.strictObject({ run: runId, format: z.enum(EXPORT_FORMATS) }),
    z.object({ folder: z.string(), files: z.array(z.string()) }),
  ),
} as const satisfies Calls;
