import type { z } from 'zod';
import type { Calls } from '../../../shared/api/call.ts';
import type { WorkbenchEvent } from '../../../shared/api/events.ts';
import type { Store } from '../../store/store.ts';
import type { LaunchKeeper } from '../launch/keeper.ts';
import type { RunQueue } from '../queue/runQueue.ts';
import type { Tasks } from './tasks.ts';

/** What answers the calls of a feature. What they throw becomes an ApiError (./apiError.ts). */
export type Handlers<C extends Calls> = {
  readonly [Name in keyof C]: (
    input: z.output<C[Name]['input']>,
  ) => z.input<C[Name]['output']> | Promise<z.input<C[Name]['output']>>;
};

/** What handlers work with, for as long as the workbench is open. */
export interface ApiContext {
  readonly folder: string;
  /** Open for writing. */
  readonly store: Store;
  readonly tasks: Tasks;
  readonly queue: RunQueue;
  readonly launches: LaunchKeeper;
  readonly emit: (event: WorkbenchEvent) => void;
}
