import { isSettled, type LaunchStatus } from '../../../shared/launch.ts';
import type { Store } from '../../store/store.ts';
import { handleOf } from './findHandle.ts';
import { tend } from './follow.ts';
import type { LaunchHandle } from './handle.ts';

const LOOK_MILLISECONDS = { slurm: 30_000, local: 2000 } as const;

interface Kept {
  readonly handle: LaunchHandle;
  status: LaunchStatus | null;
  /** When it was last looked at. */
  at: number;
  looking: Promise<LaunchStatus> | null;
}

/** Looks after launches while the workbench is open: sends what got lost, takes in what comes. Without it they go on by themselves. */
export class LaunchKeeper {
  readonly #store: Store;
  readonly #changed: (runs: readonly number[]) => void;
  readonly #kept = new Map<number, Kept>();
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;

  /** @param changed told the runs that something came for */
  constructor(store: Store, changed: (runs: readonly number[]) => void) {
    this.#store = store;
    this.#changed = changed;
    this.#timer = setInterval(() => this.#lookAround(), LOOK_MILLISECONDS.local);
    this.#timer.unref();
  }

  /** @throws StoreError 'not-found'; BadInput where its folder is gone */
  handle(id: number): LaunchHandle {
    return this.#keep(id).handle;
  }

  /** As it was seen lately, or is seen now. @throws LauncherUnreachable where it was never seen */
  status(id: number): Promise<LaunchStatus> {
    const kept = this.#keep(id);
    const isFresh = Date.now() - kept.at < LOOK_MILLISECONDS[kept.handle.place.launcher];
    return kept.status !== null && isFresh ? Promise.resolve(kept.status) : this.#look(kept);
  }

  /** What a command answered is the latest there is. */
  saw(id: number, status: LaunchStatus): LaunchStatus {
    Object.assign(this.#keep(id), { status, at: Date.now() });
    return status;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await Promise.allSettled([...this.#kept.values()].flatMap(({ looking }) => looking ?? []));
  }

  #keep(id: number): Kept {
    const record = this.#store.launches.get(id);
    let kept = this.#kept.get(id);
    if (kept === undefined) {
      kept = { handle: handleOf(this.#store.folder, record), status: null, at: 0, looking: null };
      this.#kept.set(id, kept);
    }
    return kept;
  }

  /** Those that somebody asked for, or sent, since the workbench was opened; others say how they stand when they are opened. */
  #lookAround(): void {
    for (const kept of this.#kept.values()) {
      const isDue = Date.now() - kept.at >= LOOK_MILLISECONDS[kept.handle.place.launcher];
      if (isDue && (kept.status === null || !isSettled(kept.status))) this.#look(kept).catch(() => undefined);
    }
  }

  #look(kept: Kept): Promise<LaunchStatus> {
    return (kept.looking ??= this.#tend(kept).finally(() => (kept.looking = null)));
  }

  async #tend(kept: Kept): Promise<LaunchStatus> {
    if (this.#isClosed) throw new Error('the workbench is closing');
    kept.at = Date.now();
    const { status, imported } = await tend(this.#store, kept.handle);
    kept.status = status;
    const study = this.#store.launches.findByName(status.name)?.studyId;
    if (imported.added.length > 0 && study !== undefined) {
      this.#changed(this.#store.studies.runs(study).map(({ runId }) => runId));
    }
    return status;
  }
}
