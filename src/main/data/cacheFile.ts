import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Ends the names of files that are being written. */
export const UNFINISHED = '.unfinished';

/**
 * Writes a file of a cache, which has its name only once it is whole. A full disk and a folder that cannot be written cost the cache alone.
 * @returns whether it is there
 */
export function keepFile(file: string, pieces: readonly Uint8Array[]): boolean {
  const unfinished = `${file}.${randomBytes(6).toString('hex')}${UNFINISHED}`;
  try {
    mkdirSync(path.dirname(file), { recursive: true });
    writeWhole(unfinished, pieces);
    renameSync(unfinished, file);
    return true;
  } catch {
    discard(unfinished);
    return false;
  }
}

/** What lies in a folder; nothing in one that is not there or cannot be listed. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Where not even that can be done, there is nothing to discard. */
export function discard(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    return;
  }
}

function writeWhole(file: string, pieces: readonly Uint8Array[]): void {
  const descriptor = openSync(file, 'wx');
  try {
    for (const piece of pieces) for (let at = 0; at < piece.length;) at += writeSync(descriptor, piece, at);
  } finally {
    closeSync(descriptor);
  }
}
