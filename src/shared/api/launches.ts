import { z } from 'zod';
import { LAUNCHERS, launchStatusSchema, RESUME_VERBS } from '../launch.ts';
import { call, nothing, type Calls } from './call.ts';

const launch = z.int().positive();
const sending = { study: z.unknown(), launcher: z.enum(LAUNCHERS), settings: z.unknown() };

export const launchesCalls = {
  /** Newest first. */
  'launches.list': call(
    nothing,
    z.array(
      z.object({
        id: launch,
        name: z.string(),
        study: z.int().positive(),
        createdAt: z.string(),
        launcher: z.enum(LAUNCHERS),
        /** Login node; null where this machine sends. */
        ssh: z.string().nullable(),
        folder: z.string(),
      }),
    ),
  ),
  /** What would be sent: how many tasks, and on Slurm the scripts. Nothing is sent. */
  'launches.preview': call(
    z.strictObject(sending),
    z.object({
      folder: z.string(),
      tasks: z.int(),
      scripts: z.array(z.object({ kind: z.string(), tasks: z.int(), after: z.array(z.string()), text: z.string() })),
    }),
  ),
  'launches.send': call(z.strictObject(sending), z.object({ launch, study: z.int().positive() })),
  /** How it stands; what has come is taken in. */
  'launches.status': call(z.strictObject({ launch }), launchStatusSchema),
  'launches.resume': call(z.strictObject({ launch, verb: z.enum(RESUME_VERBS) }), launchStatusSchema),
  /** Tasks with those that wait for them; null for all that are not over. */
  'launches.cancel': call(z.strictObject({ launch, tasks: z.array(z.string()).min(1).nullable() }), launchStatusSchema),
  /** The end of a task's log. */
  'launches.log': call(
    z.strictObject({ launch, task: z.string(), lines: z.int().min(1).max(5000) }),
    z.object({ text: z.string() }),
  ),
} as const satisfies Calls;
