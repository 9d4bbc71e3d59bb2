import type { z } from 'zod';
import { certificatesCalls } from './certificates.ts';
import { compareCalls } from './compare.ts';
import { dataCalls } from './data.ts';
import { engineCalls } from './engine.ts';
import { experimentsCalls } from './experiments.ts';
import { headsCalls } from './heads.ts';
import { launchesCalls } from './launches.ts';
import { queueCalls } from './queue.ts';
import { runCalls } from './run.ts';
import { runsCalls } from './runs.ts';
import { studiesCalls } from './studies.ts';
import { tasksCalls } from './tasks.ts';

/** All that can be asked of the workbench, over any transport. */
export const CALLS = {
  ...experimentsCalls,
  ...queueCalls,
  ...runsCalls,
  ...runCalls,
  ...headsCalls,
  ...certificatesCalls,
  ...compareCalls,
  ...studiesCalls,
  ...launchesCalls,
  ...dataCalls,
  ...engineCalls,
  ...tasksCalls,
} as const;

export type CallName = keyof typeof CALLS;
export type Input<Name extends CallName> = z.input<(typeof CALLS)[Name]['input']>;
export type Output<Name extends CallName> = z.output<(typeof CALLS)[Name]['output']>;
