import { randomUUID } from 'node:crypto';
import { closeSync, copyFileSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Files that other processes and other machines see whole or not at all: they are written under another name in the same folder and
 * renamed, which a network file system does in one step too.
 */

const temporaryBeside = (path: string): string => join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);

export function publish(path: string, content: string | Uint8Array): void {
  through(path, (temporary) => writeFileSync(temporary, content));
}

/** A copy of a file, from another disk or not. */
export function publishCopy(path: string, of: string): void {
  through(path, (temporary) => copyFileSync(of, temporary));
}

function through(path: string, write: (temporary: string) => void): void {
  const temporary = temporaryBeside(path);
  try {
    write(temporary);
    sync(temporary);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** The same, unless the file is there: of two that publish at once, one does. @returns whether it was this one */
export function publishOnce(path: string, content: string): boolean {
  const temporary = temporaryBeside(path);
  try {
    writeFileSync(temporary, content);
    sync(temporary);
    linkSync(temporary, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
    return createOnce(path, content);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** For file systems without hard links: what is read half-written is no JSON, and its reader looks again. */
function createOnce(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
