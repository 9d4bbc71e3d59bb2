import { setTimeout as delay } from 'node:timers/promises';
import { isSettled, type LaunchStatus } from '../../../shared/launch.ts';
import type { Store } from '../../store/store.ts';
import type { LaunchHandle } from './handle.ts';
import type { Imported } from './importShards.ts';
import { LauncherUnreachable } from './launcher.ts';
import { recordFailures, takeIn } from './launchInStore.ts';

export interface Follower {
  /** How it stands, and what just came in. */
  readonly saw: (status: LaunchStatus, imported: Imported) => void;
  /** The launch cannot be reached at the moment; it is looked for again. */
  readonly missed: (reason: string) => void;
  readonly signal: AbortSignal;
}

/** Brings what is finished into the store. Nothing is asked of the scheduler. */
export async function importFrom(store: Store, handle: LaunchHandle, name: string | null = null): Promise<Imported> {
  const have = new Set(name === null ? [] : store.shards.hashesOf(name));
  const { launch, folder, done } = await handle.fetch(have);
  return takeIn(store, { launch, folder, place: handle.place }, done);
}

/** One look: sends what is to be sent, takes in what has come. */
export async function tend(store: Store, handle: LaunchHandle): Promise<{ status: LaunchStatus; imported: Imported }> {
  const status = await handle.advance();
  const isNews = status.counts.done > store.shards.hashesOf(status.name).length;
  const isNew = store.launches.findByName(status.name) === null;
  const imported = isNews || isNew ? await importFrom(store, handle, status.name) : NOTHING_CAME;
  recordFailures(store, status);
  return { status, imported };
}

const NOTHING_CAME: Imported = { added: [], known: [], refused: [] };

/**
 * Follows a launch until nothing more happens by itself, or the signal says to look away: the launch goes on then, and following it again
 * takes up what came meanwhile.
 * @param pause milliseconds between two looks
 * @returns how it stood when it was last seen; null where it never was
 */
export async function follow(
  store: Store,
  handle: LaunchHandle,
  { saw, missed, signal, pause }: Follower & { readonly pause: number },
): Promise<LaunchStatus | null> {
  let last: LaunchStatus | null = null;
  while (!signal.aborted) {
    try {
      const { status, imported } = await tend(store, handle);
      last = status;
      saw(status, imported);
      if (isSettled(status)) return status;
    } catch (error) {
      if (!(error instanceof LauncherUnreachable)) throw error;
      missed(error.message);
    }
    await delay(pause, undefined, { signal }).catch(() => undefined);
  }
  return last;
}
