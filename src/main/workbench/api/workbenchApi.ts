import { CALLS, type CallName } from '../../../shared/api/calls.ts';
import type { Reply, Request } from '../../../shared/api/envelope.ts';
import type { WorkbenchEvent } from '../../../shared/api/events.ts';
import { lockFolder } from '../../store/folderLock.ts';
import { openStore, type Store } from '../../store/store.ts';
import { BadInput } from '../errors.ts';
import { invalid, problemsOf } from '../loadConfig.ts';
import { apiErrorOf } from './apiError.ts';
import { certificatesHandlers } from './certificates.ts';
import { compareHandlers } from './compare.ts';
import { dataHandlers } from './data.ts';
import { engineHandlers } from './engine.ts';
import { experimentsHandlers } from './experiments.ts';
import type { ApiContext, Handlers } from './handlers.ts';
import { headsHandlers } from './heads.ts';
import { recordMissingFigures } from '../runs/figures.ts';
import { RunQueue } from '../queue/runQueue.ts';
import { LaunchKeeper } from '../launch/keeper.ts';
import { launchesHandlers } from './launches.ts';
import { queueHandlers } from './queue.ts';
import { runHandlers } from './run.ts';
import { runsHandlers } from './runs.ts';
import { studiesHandlers } from './studies.ts';
import { openTasks, tasksHandlers } from './tasks.ts';

/** The workbench behind every host: one way to ask, one way to listen. */
export interface WorkbenchApi {
  /** Answers always: what is unknown, malformed or fails is answered as an error. */
  answer(request: Request): Promise<Reply>;
  /** @returns what ends the subscription */
  subscribe(listener: (event: WorkbenchEvent) => void): () => void;
  /** Interrupts what is under way, which can be resumed, and closes the store. */
  close(): Promise<void>;
}

/**
 * Opens the workbench of a folder, made if need be, for this process alone.
 * @throws StoreError as openStore; 'conflict' while another workbench has it open
 */
export function openWorkbench(folder: string): WorkbenchApi {
  const unlock = lockFolder(folder);
  let store: Store;
  try {
    store = openStore(folder);
  } catch (error) {
    unlock();
    throw error;
  }
  const listeners = new Set<(event: WorkbenchEvent) => void>();
  const emit = (event: WorkbenchEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const tasks = openTasks(emit);
  const queue = new RunQueue(store, emit);
  const launches = new LaunchKeeper(store, (runs) => {
    for (const run of runs) emit({ kind: 'run-changed', run });
  });
  const handlers = handlersOf({ folder, store, tasks, queue, launches, emit });
  const stopFigures = recordMissingFigures(store, (run) => emit({ kind: 'run-changed', run }));
  const underWay = new Set<Promise<unknown>>();
  return {
    async answer({ id, call, input }) {
      const work = answerTo(handlers, call, input);
      underWay.add(work);
      try {
        return { id, ok: true, output: await work };
      } catch (error) {
        return { id, ok: false, error: apiErrorOf(error) };
      } finally {
        underWay.delete(work);
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      stopFigures();
      tasks.cancelAll();
      try {
        await queue.close();
        await launches.close();
        await Promise.allSettled(underWay);
      } finally {
        store.close();
        unlock();
      }
    },
  };
}

const handlersOf = (context: ApiContext): Handlers<typeof CALLS> => ({
  ...experimentsHandlers(context),
  ...queueHandlers(context),
  ...runsHandlers(context),
  ...runHandlers(context),
  ...headsHandlers(context),
  ...certificatesHandlers(context),
  ...compareHandlers(context),
  ...studiesHandlers(context),
  ...launchesHandlers(context),
  ...dataHandlers(context),
  ...engineHandlers(context),
  ...tasksHandlers(context.tasks),
});

const isCall = (name: string): name is CallName => Object.hasOwn(CALLS, name);

async function answerTo(handlers: Handlers<typeof CALLS>, name: string, input: unknown): Promise<unknown> {
  if (!isCall(name)) throw new BadInput(`there is no call "${name}"`);
  const schema = CALLS[name].input;
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    throw new BadInput(invalid(`${name}: what was asked is not valid`, problemsOf(parsed.error, schema, input)));
  }
  const handler = handlers[name] as (input: unknown) => unknown;
  return await handler(parsed.data);
}
