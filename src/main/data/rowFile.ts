import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** An open file of numbers. */
export interface RowFile {
  /** Fills the bytes from a place. @throws Error where the file ends before */
  read(bytes: Uint8Array, at: number): void;
  close(): void;
}

/** @param skip bytes before the numbers begin */
export function rowFile(descriptor: number, { skip, closed }: { skip: number; closed?: () => void }): RowFile {
  return {
    read(bytes, at) {
      for (let done = 0; done < bytes.length;) {
        const got = readSync(descriptor, bytes, done, bytes.length - done, skip + at + done);
        if (got === 0)
          throw new Error('kept draws: a file ends before its last row; run again, which computes it anew');
        done += got;
      }
    },
    close() {
      closeSync(descriptor);
      closed?.();
    },
  };
}

/** A file of its own for as long as it is open, where there is no cache to keep it. */
export function spilled(bytes: Uint8Array): RowFile {
  const folder = mkdtempSync(path.join(tmpdir(), 'ptw-draws-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const descriptor = openSync(path.join(folder, 'rows'), 'w+');
    for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
    return rowFile(descriptor, { skip: 0, closed: remove });
  } catch (error) {
    remove();
    throw error;
  }
}
