import { z } from 'zod';
import { runId } from './call.ts';

/** What the workbench says without being asked. Everything in it can be asked for as well: a view that missed one is not wrong for long. */
export const eventSchema = z.discriminatedUnion('kind', [
  /** The queue has other entries, or another order, or works on something else. Ask queue.state. */
  z.strictObject({ kind: z.literal('queue-changed') }),
  /** A run was made, changed its state, its organisation or its results, or is gone. */
  z.strictObject({ kind: z.literal('run-changed'), run: runId }),
  /** A stage of a run under way: a title while it works, `reused` where nothing was left to do. */
  z.strictObject({ kind: z.literal('stage-began'), run: runId, title: z.string(), reused: z.boolean() }),
  z.strictObject({
    kind: z.literal('stage-progress'),
    run: runId,
    done: z.number().min(0),
    total: z.number().min(0),
    /** Since the stage began. */
    seconds: z.number().min(0),
  }),
  z.strictObject({ kind: z.literal('stage-ended'), run: runId, seconds: z.number().min(0) }),
  /** An epoch of training is on the disk; its numbers are those of queue.epochs. */
  z.strictObject({ kind: z.literal('epoch'), run: runId }),
  z.strictObject({
    kind: z.literal('log'),
    run: runId,
    id: z.int(),
    at: z.string(),
    level: z.enum(['info', 'warning', 'error']),
    text: z.string(),
  }),
  /** The engine's process died while it worked on a run, which can be resumed. */
  z.strictObject({ kind: z.literal('engine-crashed'), run: runId, message: z.string() }),
  /** Results could not be written: the queue waits to be told to go on, the run first. */
  z.strictObject({ kind: z.literal('queue-paused'), run: runId.nullable(), message: z.string() }),
  /** What was queued could not begin, so that no run says why. */
  z.strictObject({ kind: z.literal('work-refused'), name: z.string(), message: z.string() }),
  /** A long call made with a task's name (verify, download): how far it is. */
  z.strictObject({
    kind: z.literal('task'),
    task: z.string(),
    title: z.string(),
    done: z.number().min(0),
    total: z.number().min(0),
    notice: z.string().nullable(),
  }),
]);
export type WorkbenchEvent = z.infer<typeof eventSchema>;
