import { z } from 'zod';
import { experimentConfigSchema, DOMAINS } from '../config.ts';
import { call, float64Array, nothing, runId, type Calls } from './call.ts';

const entryFacts = {
  entry: z.int().positive(),
  name: z.string(),
  /** ISO 8601, UTC. */
  createdAt: z.string(),
};
/** What waits: an experiment that has no run yet, a run that goes on, or a study. */
export const queueEntrySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('run'), ...entryFacts }),
  z.object({ kind: z.literal('resume'), ...entryFacts, run: runId }),
  z.object({ kind: z.literal('study'), ...entryFacts, study: z.int().positive() }),
]);
export type QueueEntryView = z.infer<typeof queueEntrySchema>;

/** A pass of the engine under way: one or more stages at once. */
export const workUnderWaySchema = z.object({
  title: z.string(),
  done: z.number(),
  total: z.number(),
  /** ISO 8601, UTC. */
  startedAt: z.string(),
});

export const STAGE_STATUSES = ['pending', 'running', 'done', 'failed'] as const;
export const stageViewSchema = z.object({
  stage: z.int(),
  kind: z.enum(['extractor', 'head', 'prediction', 'pgd', 'noise-attack', 'adversarial-search', 'certification']),
  domain: z.enum(DOMAINS).nullable(),
  head: z.string().nullable(),
  status: z.enum(STAGE_STATUSES),
  seconds: z.number().nullable(),
});
export type StageView = z.infer<typeof stageViewSchema>;

export const currentWorkSchema = z.object({
  name: z.string(),
  /** Null while the engine starts, before there is a run. */
  run: runId.nullable(),
  study: z.int().nullable(),
  startedAt: z.string(),
  /** What serves, in words; null while it starts. */
  engine: z.string().nullable(),
  work: workUnderWaySchema.nullable(),
  /** It was told to stop and is ending. */
  isCancelling: z.boolean(),
});

export const queueStateSchema = z.object({
  entries: z.array(queueEntrySchema),
  current: currentWorkSchema.nullable(),
  /** Nothing is taken up until it is told to go on. */
  isPaused: z.boolean(),
  /** Runs that other processes work on. */
  elsewhere: z.array(z.object({ run: runId, name: z.string(), pid: z.int() })),
});
export type QueueState = z.infer<typeof queueStateSchema>;

export const epochSeriesSchema = z.object({
  stage: z.int(),
  kind: z.enum(['extractor', 'head']),
  domain: z.enum(DOMAINS).nullable(),
  head: z.string().nullable(),
  /** All of one length; NaN where an epoch was not validated. */
  epoch: float64Array,
  trainLoss: float64Array,
  validationLoss: float64Array,
  validationAccuracy: float64Array,
});
export type EpochSeries = z.infer<typeof epochSeriesSchema>;

export const logLineSchema = z.object({
  id: z.int(),
  at: z.string(),
  level: z.enum(['info', 'warning', 'error']),
  text: z.string(),
});
export type LogLineView = z.infer<typeof logLineSchema>;

const entry = z.strictObject({ entry: z.int().positive() });
const added = z.object({ entry: z.int().positive() });

export const queueCalls = {
  'queue.state': call(nothing, queueStateSchema),
  /** Refuses what the command line refuses: a config that is not valid or cannot work. */
  'queue.add': call(z.strictObject({ config: experimentConfigSchema }), added),
  /** A run that waits already keeps its entry. */
  'queue.resume': call(z.strictObject({ run: runId }), added),
  /** A study document; one that is known goes on where it ended. */
  'queue.addStudy': call(z.strictObject({ study: z.unknown() }), added.extend({ study: z.int().positive() })),
  'queue.remove': call(entry, nothing),
  /** Before another entry, or to the end. */
  'queue.move': call(entry.extend({ before: z.int().positive().nullable() }), nothing),
  'queue.pause': call(nothing, nothing),
  'queue.continue': call(nothing, nothing),
  /** Interrupts what is under way, within two seconds; it can be resumed. Nothing under way is none. */
  'queue.cancel': call(nothing, nothing),
  /** The stages of a run and, where it is the current one, what is under way. */
  'queue.live': call(
    z.strictObject({ run: runId }),
    z.object({ stages: z.array(stageViewSchema), work: workUnderWaySchema.nullable(), isCurrent: z.boolean() }),
  ),
  /** How long the stages that have not begun will take, as the forecast has it; an estimate where nothing of their kind is stored. */
  'queue.remaining': call(z.strictObject({ run: runId }), z.object({ seconds: z.number(), isEstimate: z.boolean() })),
  /** A series for each training stage that has epochs. */
  'queue.epochs': call(z.strictObject({ run: runId }), z.array(epochSeriesSchema)),
  /** The last lines, or the last before one; oldest first. */
  'queue.log': call(
    z.strictObject({
      run: runId,
      before: z.int().positive().nullable().default(null),
      limit: z.int().min(1).max(1000).default(200),
    }),
    z.array(logLineSchema),
  ),
} as const satisfies Calls;
