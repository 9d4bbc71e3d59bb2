import { z } from 'zod';
import { call, nothing, type Calls } from './call.ts';

/**
 * A call that takes long is made with the name of a task, which the caller chooses: events of kind "task" tell how far it
 * is, and the name cancels it.
 */
export const taskName = z.string().regex(/^[\w-]{1,64}$/, 'expected 1 to 64 letters, digits, - or _');

export const tasksCalls = {
  /** The call that the task belongs to then fails with "cancelled". A task that has ended, or never was, is none. */
  'tasks.cancel': call(z.strictObject({ task: taskName }), nothing),
} as const satisfies Calls;
