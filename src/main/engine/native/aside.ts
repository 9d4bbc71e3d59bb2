import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { readMarker } from './cache.ts';

/** The name carries host and process, so that what a killed installation left is told from one at work. */
const PREFIX = '.installing-';

/** A new folder beside the final one: on the same file system, so that the rename into place is one step. */
export function makeAside(parent: string): string {
  return mkdtempSync(path.join(parent, `${PREFIX}${hostname()}-${process.pid}-`));
}

/** Removes what ended installations of this machine left; another machine's, on a shared disk, may be at work. */
export function removeAbandoned(parent: string): void {
  const own = `${PREFIX}${hostname()}-`;
  for (const name of readdirSync(parent).filter((entry) => entry.startsWith(own))) {
    const pid = Number(name.slice(own.length).split('-')[0]);
    if (!isAlive(pid)) rmSync(path.join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Renames a complete installation to its final name. Where another process was first its installation stays: both
 * come from the same pinned files. A folder without a marker is no installation and makes way.
 */
export function moveIntoPlace(aside: string, folder: string): void {
  try {
    renameSync(aside, folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    if (readMarker(folder) !== null) return;
    // By a rename too: deleting in place could meet another process that is just renaming its own here.
    renameSync(folder, path.join(aside, 'replaced'));
    renameSync(aside, folder);
    rmSync(path.join(folder, 'replaced'), { recursive: true, force: true });
  }
}
