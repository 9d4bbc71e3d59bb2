import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The last lines of a file; null where there is none or it is empty. */
export function tailOf(file: string, lines: number): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const { size } = fstatSync(descriptor);
    // Lines of a log are short; of one that is not, its end is shown.
    const bytes = Buffer.alloc(Math.min(size, lines * 400));
    readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
    const text = bytes.toString('utf8').trimEnd();
    return text === '' ? null : text.split('\n').slice(-lines).join('\n');
  } finally {
    closeSync(descriptor);
  }
}
