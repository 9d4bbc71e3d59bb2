import type { ExperimentConfig } from '../../../shared/config.ts';
import type { WorkbenchEvent } from '../../../shared/api/events.ts';
import type { QueueEntryView, QueueState } from '../../../shared/api/queue.ts';
import { isOfStorage } from '../../store/errors.ts';
import type { QueueEntry } from '../../store/queue.ts';
import type { Store } from '../../store/store.ts';
import { checkConfig } from '../checkConfig.ts';
import { BadInput, Interrupted, RunFailed, StudyInterrupted } from '../errors.ts';
import { parseConfig } from '../loadConfig.ts';
import { expandStudy } from '../studies/expandStudy.ts';
import { parseStudy } from '../studies/loadStudy.ts';
import { resumeStudyIn, studyOf, type StudyHost } from '../studies/runStudy.ts';
import { resumeRunIn, startRunIn } from '../workbench.ts';
import { CurrentWork } from './currentWork.ts';

/**
 * Works entries off one at a time, in their order; they are in the store, so that the queue outlives its process. What fails is
 * marked and the queue goes on, unless it failed since results cannot be written: then the queue waits, as does one that is found with
 * entries, to be told to go on.
 */
export class RunQueue {
  readonly #store: Store;
  readonly #emit: (event: WorkbenchEvent) => void;
  #current: CurrentWork | null = null;
  /** Of the store, that is under way. */
  #entry: number | null = null;
  #isPaused: boolean;
  #isClosed = false;
  /** Writes that could not be made, such as on a full disk; made up for before the queue goes on. Each may be made twice. */
  #owed: (() => void)[] = [];
  #working: Promise<void> = Promise.resolve();

  /** Runs that a process which is gone was working on come first, to be gone on with. */
  constructor(store: Store, emit: (event: WorkbenchEvent) => void) {
    this.#store = store;
    this.#emit = emit;
    for (const run of store.runs.markStale()) this.#putBack(run);
    this.#isPaused = store.queue.list().length > 0;
  }

  state(): QueueState {
    const here = this.#current?.run ?? null;
    return {
      // A study's entry stays in the store while it is worked off; it does not wait, though.
      entries: this.#store.queue
        .list()
        .filter(({ id }) => id !== this.#entry)
        .map(entryView),
      current: this.#current?.view ?? null,
      isPaused: this.#isPaused,
      elsewhere: this.#store.runs
        .running()
        .filter(({ id }) => id !== here)
        .map(({ id, name, owner }) => ({ run: id, name, pid: owner.pid })),
    };
  }

  /** What is under way, where it is this run's. */
  currentOf(run: number): CurrentWork | null {
    return this.#current?.run === run ? this.#current : null;
  }

  /** @throws BadInput, DataError as checkConfig */
  add(config: ExperimentConfig): number {
    checkConfig(config);
    return this.#added(this.#store.queue.add({ kind: 'run', name: config.name, config }));
  }

  /** @throws StoreError 'not-found'; BadInput while the run is under way */
  resume(run: number): number {
    this.#store.runs.markStale();
    const { name } = this.#store.runs.get(run);
    if (this.#store.runs.running().some(({ id }) => id === run)) {
      throw new BadInput(`run ${run} is under way; there is nothing to resume`);
    }
    return this.#added(this.#store.queue.add({ kind: 'resume', runId: run, name }));
  }

  /** @throws BadInput */
  addStudy(document: unknown): { entry: number; study: number } {
    const loaded = parseStudy(document, 'the study');
    // Refuses now what its experiments would be refused for later.
    expandStudy(loaded.study);
    const study = studyOf(this.#store, loaded);
    return {
      study: study.id,
      entry: this.#added(this.#store.queue.add({ kind: 'study', studyId: study.id, name: study.name })),
    };
  }

  /** @throws StoreError 'not-found', as move */
  remove(entry: number): void {
    this.#store.queue.remove(entry);
    this.#changed();
  }

  move(entry: number, before: number | null): void {
    this.#store.queue.move(entry, before);
    this.#changed();
  }

  pause(): void {
    this.#isPaused = true;
    this.#changed();
  }

  /** @throws StoreError while what is owed cannot be written */
  continue(): void {
    while (this.#owed.length > 0) {
      this.#owed[0]();
      this.#owed.shift();
    }
    this.#isPaused = false;
    this.#changed();
    this.#wake();
  }

  cancel(): void {
    this.#current?.cancel();
  }

  /** Interrupts what is under way, which comes first when the queue is opened again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const run = this.#current?.run ?? null;
    this.#current?.cancel();
    await this.#working;
    if (run !== null && this.#store.runs.get(run).status === 'interrupted') this.#write(() => this.#putBack(run));
  }

  /** A study is gone on with as a whole, so that its runs have no entries of their own. */
  #putBack(run: number): void {
    const { name } = this.#store.runs.get(run);
    const studyId = this.#store.studies.ofRun(run).at(0);
    if (studyId === undefined) this.#store.queue.add({ kind: 'resume', runId: run, name }, 'first');
    else this.#store.queue.add({ kind: 'study', studyId, name: this.#store.studies.get(studyId).name }, 'first');
  }

  /** A write that is owed when it cannot be made; the queue waits then. */
  #write(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!isOfStorage(error)) throw error;
      this.#owed.push(work);
      this.#isPaused = true;
    }
  }

  #added(entry: QueueEntry): number {
    this.#changed();
    this.#wake();
    return entry.id;
  }

  #changed(): void {
    this.#emit({ kind: 'queue-changed' });
  }

  /** Takes the next entry up, unless one is under way. */
  #wake(): void {
    if (this.#current !== null || this.#isPaused || this.#isClosed) return;
    const entry = this.#store.queue.list().at(0);
    if (entry === undefined) return;
    const current = new CurrentWork({
      name: entry.name,
      study: entry.kind === 'study' ? entry.studyId : null,
      log: (run, line) => this.#store.queue.log(run, line),
      emit: this.#emit,
    });
    this.#current = current;
    this.#entry = entry.id;
    // An entry that is under way is none that waits; if this process dies now, its run is found again by its owner.
    this.#working = this.#workOff(entry, current)
      .catch((error: unknown) => this.#report(error, current))
      .then(() => {
        this.#current = null;
        this.#entry = null;
        this.#changed();
        this.#wake();
      });
    this.#changed();
  }

  async #workOff(entry: QueueEntry, current: CurrentWork): Promise<void> {
    const remove = (): void => {
      if (this.#store.queue.list().some(({ id }) => id === entry.id)) this.#store.queue.remove(entry.id);
    };
    try {
      await this.#perform(entry, { current, begun: remove });
    } catch (error) {
      this.#report(error, current);
      if (stoppedByStorage(error)) {
        this.#pauseAt(entry, current);
        // A study goes on as a whole, and what never began waits on.
        if (entry.kind === 'study' || current.run === null) return;
      }
    }
    this.#write(remove);
    if (current.run !== null) this.#emit({ kind: 'run-changed', run: current.run });
  }

  /** Puts the run first, to be gone on with once there is room again. */
  #pauseAt(entry: QueueEntry, { run }: CurrentWork): void {
    this.#isPaused = true;
    if (run === null || entry.kind === 'study') return;
    this.#write(() => {
      this.#store.runs.markStale();
      this.#putBack(run);
    });
  }

  async #perform(
    entry: QueueEntry,
    { current, begun }: { readonly current: CurrentWork; readonly begun: () => void },
  ): Promise<void> {
    const { host } = current;
    const working = (run: number): void => {
      host.working?.(run);
      begun();
    };
    switch (entry.kind) {
      case 'run':
        await startRunIn(this.#store, parseConfig(entry.config, 'the queued experiment'), { ...host, working });
        return;
      case 'resume':
        await resumeRunIn(this.#store, entry.runId, { ...host, working });
        return;
      case 'study':
        // Its entry stays until its end: a process that dies leaves it where it was.
        await resumeStudyIn(this.#store, entry.studyId, this.#studyHost(current));
    }
  }

  #studyHost(current: CurrentWork): StudyHost {
    return {
      ...current.host,
      began: () => undefined,
      entered: () => undefined,
      failed: (_cell, error) => this.#report(error, current),
    };
  }

  /** The run has its reason in the store; here it is said to who listens. */
  #report(error: unknown, current: CurrentWork): void {
    if (error instanceof Interrupted || error instanceof StudyInterrupted) {
      current.say('warning', 'Interrupted; what was done is kept and the run can be resumed.');
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    if (stoppedByStorage(error)) {
      this.#emit({
        kind: 'queue-paused',
        run: current.run,
        message: error instanceof RunFailed ? error.reason : message,
      });
      current.say('error', message);
      return;
    }
    if (error instanceof RunFailed) {
      current.say('error', error.reason);
      if (error.culprit === 'engine') this.#emit({ kind: 'engine-crashed', run: error.runId, message: error.reason });
      return;
    }
    // Before there was a run: nothing in the store says why.
    this.#emit({ kind: 'work-refused', name: current.view.name, message });
  }
}

const stoppedByStorage = (error: unknown): boolean =>
  error instanceof RunFailed ? error.culprit === 'storage' : isOfStorage(error);

function entryView(entry: QueueEntry): QueueEntryView {
  const { id, name, createdAt } = entry;
  const facts = { entry: id, name, createdAt };
  switch (entry.kind) {
    case 'run':
      return { kind: 'run', ...facts };
    case 'resume':
      return { kind: 'resume', ...facts, run: entry.runId };
    case 'study':
      return { kind: 'study', ...facts, study: entry.studyId };
  }
}
