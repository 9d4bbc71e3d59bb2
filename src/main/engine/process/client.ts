import { fileURLToPath } from 'node:url';
import type { OpenBackend } from '../backends/openBackend.ts';
import { spawnEngine, type EngineProcess } from './engineProcess.ts';
import { LifeSigns, silenceLimit } from './lifeSigns.ts';
import type { Job, JobEvent, Request, Response, SerialisedError } from './protocol.ts';

const ENTRY = fileURLToPath(new URL('./main.ts', import.meta.url));

/** After a polite signal, how long the engine may take to end before it is killed. */
const GRACE_MILLISECONDS = 2000;

/** How long a job may take to notice that it was cancelled; then its process is ended, whose other work is lost with it. */
const CANCEL_MILLISECONDS = 1500;

/** An error that crossed from the engine, or its death. */
export class EngineError extends Error {
  override readonly name: string = 'EngineError';
}

/** The engine's process ended, or was ended since it hung, while it was needed. */
export class EngineDied extends EngineError {
  override readonly name = 'EngineDied';
  /** Whether it may have been for want of memory. */
  readonly maybeOfMemory: boolean;
  constructor(message: string, maybeOfMemory: boolean) {
    super(message);
    this.maybeOfMemory = maybeOfMemory;
  }
}

/** What an end by a signal may mean to somebody who did not send it. */
const SIGNAL_HINTS: Partial<Record<NodeJS.Signals, string>> = {
  SIGKILL: ' (the system does that when memory runs out)',
  SIGABRT: ' (a native library gave up, as it may when memory runs out)',
  SIGSEGV: ' (a native library faulted, as it may when memory runs out)',
};

/** A job that was told to stop and did. */
export class JobCancelled extends Error {
  override readonly name = 'JobCancelled';
  constructor() {
    super('the job was cancelled');
  }
}

interface Pending {
  readonly name: string;
  readonly onEvent: (event: JobEvent) => void;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The engine's process, seen from the host. A fault in it fails the jobs under way and nothing else. */
export interface Engine {
  readonly backend: OpenBackend;
  readonly pid: number;
  /** Runs a job to its end. An error thrown by onEvent cancels the job and is passed on. */
  run(job: Job, onEvent: (event: JobEvent) => void, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts an engine and waits for its backend. While it opens one or works, it is ended when it gives no sign of life for as long
 * as PTW_ENGINE_SILENCE says.
 * @param halvings how often its passes are halved from the start
 * @throws EngineError when the process dies or no backend opens; RangeError for a PTW_ENGINE_SILENCE that is none
 */
export async function startEngine(environment: NodeJS.ProcessEnv = process.env, halvings = 0): Promise<Engine> {
  const limit = silenceLimit(environment);
  const child = spawnEngine(ENTRY, environment);
  const pending = new Map<number, Pending>();
  let death: EngineDied | null = null;
  const lifeSigns = new LifeSigns(limit, () => {
    death = silentDeath(limit);
    child.kill('SIGKILL');
  });
  child.onMessage((response) => {
    lifeSigns.heard();
    receive(child, pending, response as Response);
    if (pending.size === 0) lifeSigns.stop();
  });
  child.onceExit((code, signal) => {
    lifeSigns.stop();
    death ??= deathOf(code, signal);
    failAll(pending, death);
  });
  lifeSigns.listen();
  const backend = await firstResponse(child, (code, signal) => death ?? deathOf(code, signal))
    .catch(async (error: unknown) => {
      await close(child);
      throw error;
    })
    .finally(() => lifeSigns.stop());
  let sequence = 0;
  return {
    backend,
    pid: child.pid!,
    run: (job, onEvent, signal) =>
      new Promise((resolve, reject) => {
        if (death !== null || child.isOver) {
          reject(death ?? deathOf(null, null));
          return;
        }
        if (signal?.aborted === true) {
          reject(new JobCancelled());
          return;
        }
        const id = ++sequence;
        let deadline: NodeJS.Timeout | undefined;
        const cancel = (): void => {
          send(child, { kind: 'cancel', id });
          deadline = setTimeout(() => {
            pending.delete(id);
            child.kill('SIGKILL');
            reject(new JobCancelled());
          }, CANCEL_MILLISECONDS);
        };
        // The signal outlives the job: a run has one for all of its jobs.
        const forget = (): void => {
          clearTimeout(deadline);
          signal?.removeEventListener('abort', cancel);
        };
        send(child, { kind: 'start', id, job, halvings });
        lifeSigns.listen();
        pending.set(id, {
          name: job.kind,
          onEvent,
          resolve: () => {
            forget();
            resolve();
          },
          reject: (error) => {
            forget();
            reject(error);
          },
        });
        signal?.addEventListener('abort', cancel);
      }),
    close: () => close(child),
  };
}

/** @throws when the request cannot be serialised. When it cannot be delivered the process is gone, which fails its jobs. */
const send = (child: EngineProcess, request: Request): void => child.send(request);

function firstResponse(
  child: EngineProcess,
  death: (code: number | null, signal: NodeJS.Signals | null) => EngineDied,
): Promise<OpenBackend> {
  return new Promise((resolve, reject) => {
    child.onceExit((code, signal) => reject(death(code, signal)));
    child.onceError(reject);
    child.onMessage((message) => {
      const response = message as Response;
      if (response.kind === 'ready') resolve(response.backend);
      if (response.kind === 'unusable') reject(revive(response.error));
    });
  });
}

function receive(child: EngineProcess, pending: Map<number, Pending>, response: Response): void {
  if (!('id' in response)) return;
  const job = pending.get(response.id);
  if (job === undefined) return;
  switch (response.kind) {
    case 'event':
      try {
        job.onEvent(response.event);
      } catch (error) {
        pending.delete(response.id);
        send(child, { kind: 'cancel', id: response.id });
        job.reject(error instanceof Error ? error : new Error(String(error)));
      }
      return;
    case 'done':
      pending.delete(response.id);
      job.resolve();
      return;
    case 'cancelled':
      pending.delete(response.id);
      job.reject(new JobCancelled());
      return;
    case 'failed':
      pending.delete(response.id);
      job.reject(revive(response.error));
      return;
  }
}

function failAll(pending: Map<number, Pending>, error: EngineError): void {
  for (const job of pending.values()) job.reject(error);
  pending.clear();
}

function deathOf(code: number | null, signal: NodeJS.Signals | null): EngineDied {
  const how = signal === null ? `exited with code ${String(code)}` : `was ended by ${signal}`;
  const hint = signal === null ? undefined : SIGNAL_HINTS[signal];
  return new EngineDied(`the engine ${how}${hint ?? ''}`, hint !== undefined);
}

const silentDeath = (seconds: number): EngineDied =>
  new EngineDied(
    `the engine gave no sign of life for ${seconds} s and was ended; PTW_ENGINE_SILENCE allows for longer steps`,
    false,
  );

function revive(error: SerialisedError): EngineError {
  const revived = new EngineError(error.message);
  Object.defineProperty(revived, 'name', { value: error.name });
  if (error.stack !== undefined) revived.stack = error.stack;
  return revived;
}

async function close(child: EngineProcess): Promise<void> {
  if (child.isOver) return;
  const ended = new Promise<void>((resolve) => child.onceExit(() => resolve()));
  child.disconnect();
  const term = setTimeout(() => child.kill('SIGTERM'), GRACE_MILLISECONDS / 2);
  const kill = setTimeout(() => child.kill('SIGKILL'), GRACE_MILLISECONDS);
  await ended;
  clearTimeout(term);
  clearTimeout(kill);
}
