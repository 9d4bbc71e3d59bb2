import type { OpenBackend } from '../backends/openBackend.ts';
import { EngineError, startEngine, type Engine } from './client.ts';
import { planEngines, type Sharing } from './enginePlan.ts';
import type { Job, JobEvent } from './protocol.ts';
import { instancesOf, splitJob } from './splitJob.ts';

/** What a run computes on. */
export interface EnginesBackend extends OpenBackend {
  /** Processes that predictions, attacks and certificates are divided among; each has the backend to itself. */
  readonly engines: number;
  /** Revision of how steps round, see ARITHMETIC. A stage from before it was recorded has none. */
  readonly arithmetic?: number;
}

/** Rises with a change that moves last digits: what was drawn under another revision has other bits on the same machine. */
const ARITHMETIC = 3;

/** One or several engines, used as one. */
export interface Engines {
  readonly backend: EnginesBackend;
  /** How many jobs that cannot be divided it runs side by side. */
  readonly undividedSideBySide: number;
  /** Of the processes started so far. */
  pids(): readonly number[];
  /**
   * Runs jobs to their end, side by side as far as there are engines: what can be divided by instance runs on all of them,
   * with the same results, and jobs that cannot are spread over them. Progress is that of all together. When a part
   * fails the others are stopped and all fail with its error. An error thrown by onEvent cancels the jobs and is
   * passed on.
   */
  run(jobs: readonly Job[], onEvent: (event: JobEvent) => void, signal?: AbortSignal): Promise<void>;
  /**
   * Ends all processes and starts anew, with passes half the size from now on where `halved`.
   * @throws as startEngines; EngineError when another backend opens than before, whose results would differ
   */
  restart(how: { readonly halved: boolean }): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts the first engine, which says what serves; the others start with the first job that they have a part in.
 * @throws EngineError when a process dies or no backend opens; RangeError when PTW_ENGINES is not possible
 */
export async function startEngines(env: NodeJS.ProcessEnv = process.env): Promise<Engines> {
  const plan = await planEngines(env);
  const first = await startEngine(plan.first);
  try {
    return new EnginePool(first, plan.first, plan.sharingOn(first.backend));
  } catch (error) {
    await first.close();
    throw error;
  }
}

class EnginePool implements Engines {
  readonly backend: EnginesBackend;
  readonly undividedSideBySide: number;
  /** By place: the first engine's, then those of all others. */
  readonly #environments: readonly NodeJS.ProcessEnv[];
  /** Of the first engine that shares jobs. */
  readonly #firstSharing: number;
  #started: Promise<Engine>[];
  readonly #pids: number[];
  #halvings = 0;
  #closed = false;

  constructor(first: Engine, firstEnvironment: NodeJS.ProcessEnv, { environments, withFirst }: Sharing) {
    this.backend = { ...first.backend, engines: environments.length, arithmetic: ARITHMETIC };
    this.undividedSideBySide = withFirst ? environments.length : 1;
    this.#environments = withFirst ? environments : [firstEnvironment, ...environments];
    this.#firstSharing = withFirst ? 0 : 1;
    this.#started = [Promise.resolve(first)];
    this.#pids = [first.pid];
  }

  pids(): readonly number[] {
    return [...this.#pids];
  }

  async run(jobs: readonly Job[], onEvent: (event: JobEvent) => void, signal?: AbortSignal): Promise<void> {
    const { engines } = this.backend;
    const parts = jobs.flatMap((job, i) => {
      const shares = splitJob(job, engines);
      return shares.length === 1
        ? [{ part: job, place: i % this.undividedSideBySide }]
        : shares.map((part, j) => ({ part, place: this.#firstSharing + ((i + j) % engines) }));
    });
    const failed = new AbortController();
    const stop = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
    const progress = parts.map(({ part }) => ({ done: 0, total: instancesOf(part) }));
    const errors: unknown[] = [];
    const runPart = async ({ part, place }: (typeof parts)[number], i: number): Promise<void> => {
      const engine = await this.#engine(place);
      await engine.run(
        part,
        (event) => {
          // After a failure nothing more is taken in, so that the host sees a job end once.
          if (failed.signal.aborted) return;
          if (event.kind === 'progress') {
            progress[i] = event;
            onEvent({ kind: 'progress', done: sum(progress, 'done'), total: sum(progress, 'total') });
          } else onEvent(event);
        },
        stop,
      );
    };
    await Promise.all(
      parts.map(async (part, i) => {
        try {
          await runPart(part, i);
        } catch (error) {
          errors.push(error);
          failed.abort();
        }
      }),
    );
    // The first to fail is the cause; those after it were stopped for its sake.
    if (errors.length > 0) throw errors[0];
  }

  async restart({ halved }: { readonly halved: boolean }): Promise<void> {
    await this.#endAll();
    if (halved) this.#halvings++;
    this.#started = [];
    await this.#engine(0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#endAll();
  }

  async #endAll(): Promise<void> {
    const engines = await Promise.allSettled(this.#started);
    await Promise.all(engines.flatMap((one) => (one.status === 'fulfilled' ? [one.value.close()] : [])));
  }

  #engine(place: number): Promise<Engine> {
    return (this.#started[place] ??= this.#start(place));
  }

  async #start(place: number): Promise<Engine> {
    if (this.#closed) throw new EngineError('the engine was closed');
    const engine = await startEngine(this.#environments[place], this.#halvings);
    this.#pids.push(engine.pid);
    const [own, first] = [engine.backend, this.backend].map(computes);
    if (own === first) return engine;
    await engine.close();
    throw new EngineError(
      `engine ${place + 1} opened ${own} where the first opened ${first}: their results would differ; set PTW_ENGINES=1`,
    );
  }
}

const sum = (parts: readonly { done: number; total: number }[], of: 'done' | 'total'): number =>
  parts.reduce((total, part) => total + part[of], 0);

/** What results depend on: two engines of which this differs are not one. */
function computes({ name, tensorflowVersion, variant, devices, simd }: OpenBackend): string {
  return [name, tensorflowVersion, variant, ...devices, ...simd].filter((text) => text !== undefined).join(', ');
}
