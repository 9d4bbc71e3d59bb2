// Entry point of the engine's process: opens a backend, then answers one job at a time.
import { openBackend } from '../backends/openBackend.ts';
import { Cancelled, type StageContext } from '../context.ts';
import { runJob, type JobContext } from './jobs.ts';
import { BEAT_MILLISECONDS } from './lifeSigns.ts';
import type { JobEvent, Request, Response, SerialisedError } from './protocol.ts';

/** Settled once the pipe has taken every response so far. */
let delivered: Promise<void> = Promise.resolve();

function respond(response: Response): void {
  // A host that went away meanwhile is noticed as `disconnect`, not here.
  if (!process.connected) return;
  delivered = new Promise((resolve) => process.send!(response, undefined, undefined, () => resolve()));
}

function serialised(error: unknown): SerialisedError {
  return error instanceof Error
    ? { name: error.name, message: error.message, stack: error.stack }
    : { name: 'Error', message: String(error), stack: undefined };
}

const cancelled = new Set<number>();
let queue: Promise<void> = Promise.resolve();

function contextOf(id: number, halvings: number): JobContext {
  const stage: StageContext = {
    halvings,
    progress: (done, total) => event({ kind: 'progress', done, total }),
    notice: (text) => event({ kind: 'notice', text }),
    breathe: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      // A host that is slower than this process would else have its results pile up here.
      await delivered;
      if (cancelled.has(id)) throw new Cancelled();
    },
  };
  const event = (value: JobEvent): void => respond({ kind: 'event', id, event: value });
  return { ...stage, event };
}

async function answer({ id, job, halvings }: Extract<Request, { kind: 'start' }>): Promise<void> {
  const context = contextOf(id, halvings);
  try {
    // It may have been cancelled while it waited.
    await context.breathe();
    await runJob(job, context);
    respond({ kind: 'done', id });
  } catch (error) {
    respond(error instanceof Cancelled ? { kind: 'cancelled', id } : { kind: 'failed', id, error: serialised(error) });
  } finally {
    cancelled.delete(id);
  }
}

process.on('message', (request: Request) => {
  if (request.kind === 'cancel') cancelled.add(request.id);
  else queue = queue.then(() => answer(request));
});
// The host is gone: nobody is left to answer.
process.on('disconnect', () => process.exit(0));
setInterval(() => respond({ kind: 'alive' }), BEAT_MILLISECONDS);

try {
  respond({ kind: 'ready', backend: await openBackend() });
} catch (error) {
  respond({ kind: 'unusable', error: serialised(error) });
}
