import { z } from 'zod';
import { call, nothing, page, runId, type Calls } from './call.ts';

export const RUN_STATUSES = ['running', 'interrupted', 'failed', 'done'] as const;
export const runStatusSchema = z.enum(RUN_STATUSES);
export type RunStatusName = z.infer<typeof runStatusSchema>;

/** What every run has, by the name of its column. */
export const RUN_FACTS = ['id', 'name', 'status', 'createdAt', 'finishedAt', 'seconds', 'note'] as const;
export type RunFact = (typeof RUN_FACTS)[number];

/**
 * A column of the list: a fact, a leaf of the config ("config:certification.sigma") or a result ("figure:target / best / Pairwise A_V").
 */
export const columnSchema = z
  .string()
  .max(300)
  .refine((text) => (RUN_FACTS as readonly string[]).includes(text) || /^(config|figure):./.test(text), {
    error: `expected ${RUN_FACTS.join(', ')}, config:<key> or figure:<name>`,
  });

export const OPERATORS = ['=', '≠', '<', '≤', '>', '≥', 'contains', 'missing', 'present'] as const;
export const filterSchema = z.strictObject({
  column: columnSchema,
  operator: z.enum(OPERATORS),
  /** Unused by "missing" and "present". */
  value: z.union([z.string().max(1000), z.number()]).default(''),
});
export type RunFilter = z.output<typeof filterSchema>;

const selection = {
  /** In names and notes. */
  search: z.string().max(200).default(''),
  statuses: z.array(runStatusSchema).default([]),
  /** A run must have all of them. */
  tags: z.array(z.string()).max(20).default([]),
  archived: z.enum(['no', 'only', 'too']).default('no'),
  filters: z.array(filterSchema).max(20).default([]),
};
export const runSelectionSchema = z.strictObject(selection);
export type RunSelection = z.output<typeof runSelectionSchema>;

export const cellSchema = z.union([z.string(), z.number(), z.null()]);
export const runRowSchema = z.object({
  run: runId,
  name: z.string(),
  status: runStatusSchema,
  failure: z.string().nullable(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
  seconds: z.number().nullable(),
  note: z.string(),
  isPinned: z.boolean(),
  isArchived: z.boolean(),
  tags: z.array(z.string()),
  stages: z.int(),
  stagesDone: z.int(),
  /** By column, for those that were asked for. */
  values: z.record(z.string(), cellSchema),
});
export type RunRow = z.infer<typeof runRowSchema>;

export const groupSchema = z.object({
  value: cellSchema,
  n: z.int(),
  /** By column: of the runs that have it, their mean and half the width of Student's 95 % interval (null for one run). */
  figures: z.record(z.string(), z.object({ n: z.int(), mean: z.number(), halfWidth: z.number().nullable() })),
});
export type RunGroup = z.infer<typeof groupSchema>;

const runs = z.array(runId).min(1).max(10_000);

export const runsCalls = {
  /** Pinned runs first, then in the order asked for, then the newest. */
  'runs.list': call(
    z.strictObject({
      ...selection,
      ...page.shape,
      sort: z
        .array(z.strictObject({ column: columnSchema, isDescending: z.boolean() }))
        .max(5)
        .default([]),
      columns: z.array(columnSchema).max(60).default([]),
    }),
    z.object({ total: z.int(), rows: z.array(runRowSchema) }),
  ),
  'runs.group': call(
    z.strictObject({ ...selection, by: columnSchema, figures: z.array(columnSchema).max(30).default([]) }),
    z.array(groupSchema),
  ),
  /** What there is to choose columns from. `values` counts how many differ, up to a thousand. */
  'runs.columns': call(
    nothing,
    z.object({
      config: z.array(z.object({ column: z.string(), values: z.int() })),
      figures: z.array(z.string()),
      tags: z.array(z.object({ tag: z.string(), n: z.int() })),
    }),
  ),
  'runs.organise': call(
    z.strictObject({
      runs,
      addTags: z.array(z.string().trim().min(1).max(60)).max(20).default([]),
      removeTags: z.array(z.string()).max(20).default([]),
      note: z.string().max(20_000).optional(),
      isPinned: z.boolean().optional(),
      isArchived: z.boolean().optional(),
    }),
    nothing,
  ),
  /** Deletes runs, and what no other run shares with them; or says what that would be. */
  'runs.delete': call(
    z.strictObject({ runs, isTrial: z.boolean() }),
    z.object({
      runs: z.int(),
      stages: z.int(),
      /** Of the runs, kept because others share them. */
      sharedStages: z.int(),
      certificates: z.int(),
      files: z.int(),
      fileBytes: z.int(),
    }),
  ),
} as const satisfies Calls;
