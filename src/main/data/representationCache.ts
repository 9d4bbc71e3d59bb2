import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { discard, keepFile, namesIn, UNFINISHED } from './cacheFile.ts';
import { DataError } from './dataError.ts';
import { rowFile, type RowFile } from './rowFile.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Representations of noisy draws on disk, least recently used out first. Losing one costs the time to compute it, and nothing else. */
export interface RepresentationCache {
  /** The bytes under a name; null for none, or for a file that is not what its hash says, which is removed. */
  read(name: string, length: number): Uint8Array<ArrayBuffer> | null;
  /** The same as an open file, checked once; it can be read to its end even if it is removed meanwhile. */
  open(name: string, length: number): RowFile | null;
  /** Keeps bytes where they fit, atomically; a full disk and a folder that cannot be written cost the cache alone. */
  write(name: string, bytes: Uint8Array): void;
}

export interface CacheSettings {
  readonly folder: string;
  /** Bytes that all files together may take; 0 keeps nothing. */
  readonly limit: number;
}

const ENDING = '.draws';
/** SHA-256 of what follows it. */
const HASH_BYTES = 32;
const CHUNK = 1 << 22;
const MEGABYTE = 2 ** 20;
const DEFAULT_MEGABYTES = 4096;
/** What a process that died left half written is removed once it is this old. */
const STALE_MILLISECONDS = 24 * 3600 * 1000;

/**
 * Where kept draws lie below the user's cache, and how much they may take: PTW_CACHE_MB.
 * @throws DataError for a PTW_CACHE_MB that is no whole number
 */
export function cacheSettings(root: string, environment: Environment = process.env): CacheSettings {
  const text = environment['PTW_CACHE_MB'] ?? '';
  const megabytes = text === '' ? DEFAULT_MEGABYTES : Number(text);
  if (!Number.isSafeInteger(megabytes) || megabytes < 0) {
    throw new DataError({
      operation: 'keeping draws',
      quantity: 'environment variable PTW_CACHE_MB',
      got: text,
      expected: 'a whole number of megabytes, 0 for none',
      cure: 'set one or unset it',
    });
  }
  return { folder: path.join(root, 'representations'), limit: megabytes * MEGABYTE };
}

export function representationCache(settings: CacheSettings): RepresentationCache {
  const fileOf = (name: string): string => path.join(settings.folder, `${name}${ENDING}`);
  return {
    read: (name, length) => {
      const opened = openWhole(fileOf(name), length);
      if (opened === null) return null;
      const bytes = new Uint8Array(length);
      try {
        opened.read(bytes, 0);
        return bytes;
      } finally {
        opened.close();
      }
    },
    open: (name, length) => openWhole(fileOf(name), length),
    write: (name, bytes) => keep(settings, fileOf(name), bytes),
  };
}

/** What is kept now. */
export function cacheUse({ folder }: CacheSettings): { readonly files: number; readonly bytes: number } {
  const files = filesIn(folder);
  return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) };
}

/** Null unless the file is whole and what its hash says. */
function openWhole(file: string, length: number): RowFile | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return null;
  }
  try {
    if (holds(descriptor, length)) {
      const now = new Date();
      utimesSync(file, now, now);
      return rowFile(descriptor, { skip: HASH_BYTES });
    }
  } catch {
    // Read as a damaged file.
  }
  closeSync(descriptor);
  discard(file);
  return null;
}

function holds(descriptor: number, length: number): boolean {
  const expected = Buffer.alloc(HASH_BYTES);
  if (readSync(descriptor, expected, 0, HASH_BYTES, 0) < HASH_BYTES) return false;
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(CHUNK);
  let done = 0;
  for (;;) {
    const got = readSync(descriptor, chunk, 0, CHUNK, HASH_BYTES + done);
    if (got === 0) break;
    hash.update(chunk.subarray(0, got));
    done += got;
  }
  return done === length && hash.digest().equals(expected);
}

function keep({ folder, limit }: CacheSettings, file: string, bytes: Uint8Array): void {
  const size = bytes.length + HASH_BYTES;
  if (size > limit) return;
  try {
    makeRoom(folder, limit - size);
  } catch {
    return; // What cannot be looked into is not written to.
  }
  keepFile(file, [createHash('sha256').update(bytes).digest(), bytes]);
}

/** Removes the least recently used files until the rest take no more than `limit`. */
function makeRoom(folder: string, limit: number): void {
  for (const name of namesIn(folder)) {
    const file = path.join(folder, name);
    if (!name.endsWith(UNFINISHED)) continue;
    const found = statSync(file, { throwIfNoEntry: false });
    if (found !== undefined && Date.now() - found.mtimeMs > STALE_MILLISECONDS) discard(file);
  }
  const files = filesIn(folder).sort((a, b) => a.used - b.used);
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const { file, size } of files) {
    if (total <= limit) return;
    discard(file);
    total -= size;
  }
}

function filesIn(folder: string): { file: string; size: number; used: number }[] {
  return namesIn(folder)
    .filter((name) => name.endsWith(ENDING))
    .flatMap((name) => {
      const file = path.join(folder, name);
      const found = statSync(file, { throwIfNoEntry: false }); // another process may have removed it
      return found === undefined ? [] : [{ file, size: found.size, used: found.mtimeMs }];
    });
}
