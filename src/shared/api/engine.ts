import { z } from 'zod';
import { call, nothing, type Calls } from './call.ts';
import { taskName } from './tasks.ts';

export const engineReportSchema = z.object({
  backend: z.string(),
  devices: z.array(z.string()),
  threads: z.int(),
  simd: z.array(z.string()),
  /** Processes that a run divides its work among. */
  engines: z.int(),
  /** What was passed over, why, and what would change that. */
  notChosen: z.array(z.object({ backend: z.string(), reason: z.string(), cure: z.string() })),
  versions: z.object({ node: z.string(), tfjs: z.string(), tensorflow: z.string().nullable() }),
  processor: z.object({ name: z.string(), vectorSets: z.array(z.string()), threads: z.int() }),
  cache: z.object({ folder: z.string(), bytes: z.int() }),
  /** Noisy draws that heads were trained on, with the most that they may take. */
  keptDraws: z.object({ folder: z.string(), bytes: z.int(), limit: z.int() }),
});

export const engineCalls = {
  /** What `ptw doctor` says, found out in a process of its own. */
  'engine.inspect': call(nothing, engineReportSchema),
  /** Sets up native TensorFlow; its output comes as notices of the task. */
  'engine.install': call(z.strictObject({ task: taskName }), z.object({ output: z.string() })),
  /** Where results lie, and how large they are. */
  'engine.storage': call(
    nothing,
    z.object({ folder: z.string(), databaseBytes: z.int(), artefactBytes: z.int(), runs: z.int() }),
  ),
} as const satisfies Calls;
