import { readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { currentOwner, isAlive } from '../../store/owner.ts';
import { BadInput } from '../errors.ts';
import { publishOnce } from './durableFile.ts';

interface Holder {
  readonly host: string;
  readonly pid: number;
  readonly startToken: string;
  readonly at: number;
}

const WAIT_MILLISECONDS = 60_000;
/** Nobody sends for so long; a holder on another machine, of which nobody can ask, is then taken for dead. */
const STALE_MILLISECONDS = 15 * 60_000;

/** Only one process at a time sends and cancels tasks of a launch. @throws BadInput where another one goes on for too long */
export async function holdingLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const file = join(folder, 'launcher.lock');
  const until = performance.now() + WAIT_MILLISECONDS;
  const own: Holder = { host: hostname(), ...currentOwner(), at: Date.now() };
  while (!publishOnce(file, JSON.stringify(own))) {
    const holder = readHolder(file);
    if (holder !== null && isStale(holder)) rmSync(file, { force: true });
    else if (performance.now() > until) {
      throw new BadInput(
        `process ${holder?.pid ?? '?'} on ${holder?.host ?? '?'} is sending tasks of this launch; try again when it is done`,
      );
    } else await delay(100);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function readHolder(file: string): Holder | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    // Let go between two looks, or being written.
    return null;
  }
}

const isStale = (holder: Holder): boolean =>
  holder.host === hostname() ? !isAlive(holder) : Date.now() - holder.at > STALE_MILLISECONDS;
