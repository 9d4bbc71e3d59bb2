import { EngineDied, JobCancelled } from './client.ts';
import { startEngines, type Engines } from './engines.ts';
import type { Job, JobEvent } from './protocol.ts';

/** After so many deaths in a row, with no result between them, more of them would follow. */
const MOST_DEATHS = 3;

/** What is made again by the next engine. */
const NO_RESULTS: ReadonlySet<JobEvent['kind']> = new Set(['progress', 'notice', 'description']);

export interface SteadyWork {
  /** What is left to do: asked again after each death, since what came before it is committed. */
  readonly jobs: () => readonly Job[];
  /** Commits results; what it throws ends the work. */
  readonly onEvent: (event: JobEvent) => void;
  readonly signal: AbortSignal;
}

/**
 * Runs jobs to their end, starting engines that die or hang again, with passes half the size where memory may have been the reason.
 * Each death is a notice.
 * @throws EngineDied after three deaths in a row without a result; else as Engines.run and Engines.restart
 */
export async function runSteadily(engines: Engines, { jobs, onEvent, signal }: SteadyWork): Promise<void> {
  let deaths = 0;
  let dead: EngineDied | null = null;
  const take = (event: JobEvent): void => {
    onEvent(event);
    if (!NO_RESULTS.has(event.kind)) deaths = 0;
  };
  for (;;) {
    try {
      if (dead !== null) await startAgain(engines, dead, onEvent);
      dead = null;
      const left = jobs();
      if (left.length > 0) await engines.run(left, take, signal);
      return;
    } catch (error) {
      if (!(error instanceof EngineDied)) throw error;
      if (signal.aborted) throw new JobCancelled();
      if (++deaths === MOST_DEATHS) throw givenUp(error);
      dead = error;
    }
  }
}

/** Starts engines, again where they die before they serve. @throws EngineDied after three deaths; else as startEngines */
export async function startSteadily(signal: AbortSignal): Promise<Engines> {
  for (let deaths = 1; ; deaths++) {
    try {
      return await startEngines();
    } catch (error) {
      if (!(error instanceof EngineDied) || signal.aborted) throw error;
      if (deaths === MOST_DEATHS) throw givenUp(error);
    }
  }
}

async function startAgain(
  engines: Engines,
  { message, maybeOfMemory }: EngineDied,
  onEvent: (event: JobEvent) => void,
): Promise<void> {
  await engines.restart({ halved: maybeOfMemory });
  const smaller = maybeOfMemory ? ', with passes half the size' : '';
  onEvent({ kind: 'notice', text: `${message}; it was started again and goes on from what is committed${smaller}` });
}

const givenUp = ({ message, maybeOfMemory }: EngineDied): EngineDied =>
  new EngineDied(`${message}, ${MOST_DEATHS} times in a row without a result between`, maybeOfMemory);
