import type { z } from 'zod';
import type { WorkbenchEvent } from '../../../shared/api/events.ts';
import type { currentWorkSchema } from '../../../shared/api/queue.ts';
import { isOfStorage } from '../../store/errors.ts';
import type { QueueStore } from '../../store/queue.ts';
import type { LogLine } from '../../store/queue.ts';
import { engineText } from '../engineText.ts';
import type { RunReporter } from '../runInProgress.ts';
import type { RunHost } from '../workbench.ts';

/** No more than this many progress events a second. */
const PER_SECOND = 10;

export interface CurrentWorkInputs {
  readonly name: string;
  readonly study: number | null;
  readonly log: QueueStore['log'];
  readonly emit: (event: WorkbenchEvent) => void;
}

/** What the queue works on: how far it is, for whoever asks, and events and log lines for whoever listens. */
export class CurrentWork {
  readonly #abort = new AbortController();
  readonly #inputs: CurrentWorkInputs;
  readonly #startedAt = new Date().toISOString();
  #run: number | null = null;
  #engine: string | null = null;
  #work: { title: string; done: number; total: number; startedAt: string; started: number } | null = null;
  #told = -Infinity;

  constructor(inputs: CurrentWorkInputs) {
    this.#inputs = inputs;
  }

  get run(): number | null {
    return this.#run;
  }

  get view(): z.infer<typeof currentWorkSchema> {
    return {
      name: this.#inputs.name,
      run: this.#run,
      study: this.#inputs.study,
      startedAt: this.#startedAt,
      engine: this.#engine,
      work: this.work,
      isCancelling: this.#abort.signal.aborted,
    };
  }

  get work(): z.infer<typeof currentWorkSchema>['work'] {
    if (this.#work === null) return null;
    const { title, done, total, startedAt } = this.#work;
    return { title, done, total, startedAt };
  }

  cancel(): void {
    this.#abort.abort();
    this.#inputs.emit({ kind: 'queue-changed' });
  }

  /** What runs and studies are worked off with. */
  get host(): RunHost {
    return {
      reporter: this.#reporter,
      signal: this.#abort.signal,
      opened: ({ backend }) => {
        this.#engine = engineText(backend);
        this.#inputs.emit({ kind: 'queue-changed' });
      },
      working: (run) => {
        this.#run = run;
        this.#inputs.emit({ kind: 'queue-changed' });
        this.#inputs.emit({ kind: 'run-changed', run });
        this.say('info', `Backend: ${this.#engine ?? 'unknown'}`);
      },
    };
  }

  /** A line in the log of the run; without a run there is none to log for. A log that cannot be written stops nothing: results do. */
  say(level: LogLine['level'], text: string): void {
    const run = this.#run;
    if (run === null) return;
    try {
      this.#inputs.emit({ kind: 'log', run, ...this.#inputs.log(run, { level, text }) });
    } catch (error) {
      if (!isOfStorage(error)) throw error;
    }
  }

  readonly #reporter: RunReporter = {
    began: ({ title, reused }) => {
      const startedAt = new Date().toISOString();
      this.#work = reused ? null : { title, done: 0, total: 0, startedAt, started: performance.now() };
      this.#tell({ kind: 'stage-began', title, reused });
      this.say('info', reused ? `${title}: already done` : title);
    },
    progress: (done, total) => {
      const work = this.#work;
      if (work === null) return;
      work.done = done;
      work.total = total;
      const now = performance.now();
      if (done < total && now - this.#told < 1000 / PER_SECOND) return;
      this.#told = now;
      this.#tell({ kind: 'stage-progress', done, total, seconds: (now - work.started) / 1000 });
    },
    epoch: (text) => {
      this.say('info', text);
      this.#tell({ kind: 'epoch' });
    },
    notice: (text) => this.say('warning', text),
    ended: (seconds) => {
      const title = this.#work?.title;
      this.#work = null;
      this.#tell({ kind: 'stage-ended', seconds });
      if (title !== undefined) this.say('info', `${title}: ${seconds.toFixed(1)} s`);
    },
  };

  #tell(event: RunEvent): void {
    if (this.#run !== null) this.#inputs.emit({ ...event, run: this.#run });
  }
}

type RunEvent = WithoutRun<
  Extract<WorkbenchEvent, { readonly kind: 'stage-began' | 'stage-progress' | 'stage-ended' | 'epoch' }>
>;
type WithoutRun<Event> = Event extends unknown ? Omit<Event, 'run'> : never;
