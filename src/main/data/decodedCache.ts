import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { discard, keepFile, namesIn } from './cacheFile.ts';
import type { FilesOfSet, SetContents } from './readers/contents.ts';
import { emptyPart } from './readers/contents.ts';

/** Of what is kept: raised when a reader reads the same files differently. */
const VERSION = 1;
const ENDING = '.arrays';
/** Of the header: hashes of a handful of parts. */
const LONGEST_HEADER = 1 << 16;

interface Header {
  readonly hashes: SetContents['hashes'];
  /** SHA-256, hex, of the arrays, so that a damaged file is never believed. */
  readonly sha256: string;
}

/**
 * What a reader makes of a set's files, kept as arrays in a file of its own, since unpacking takes seconds. It is named by what the files are (path,
 * size, times of change), so another version of a file is another name. A folder that cannot be written and a full disk cost the cache, not the set.
 */
export function throughCache(
  set: FilesOfSet,
  folder: string | null,
  read: (set: FilesOfSet) => SetContents,
): SetContents {
  if (folder === null) return read(set);
  const file = path.join(folder, `${set.entry.name}-${identityOf(set)}${ENDING}`);
  const kept = readKept(set, file);
  if (kept !== null) return kept;
  const contents = read(set);
  keep(contents, file);
  return contents;
}

function identityOf({ counts, files }: FilesOfSet): string {
  const facts = Object.entries(files).map(([key, file]) => {
    const { size, mtimeNs, ctimeNs, ino } = statSync(file, { bigint: true });
    return [key, path.resolve(file), ...[size, mtimeNs, ctimeNs, ino].map(String)];
  });
  const text = JSON.stringify([VERSION, counts, facts]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

const arraysOf = ({ train, test }: Pick<SetContents, 'train' | 'test'>): Uint8Array[] => [
  train.images,
  train.labels,
  test.images,
  test.labels,
];

function hashOf(contents: Pick<SetContents, 'train' | 'test'>): string {
  const hash = createHash('sha256');
  for (const array of arraysOf(contents)) hash.update(array);
  return hash.digest('hex');
}

/** Null for anything but a whole file of what it should hold. */
function readKept({ entry, counts }: FilesOfSet, file: string): SetContents | null {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(file, 'r');
    const length = Buffer.alloc(4);
    fill(descriptor, length);
    const text = Buffer.alloc(Math.min(length.readUInt32LE(), LONGEST_HEADER));
    fill(descriptor, text);
    const { hashes, sha256 } = JSON.parse(text.toString()) as Header;
    const parts = { train: emptyPart(entry, counts.train), test: emptyPart(entry, counts.test) };
    for (const array of arraysOf(parts)) fill(descriptor, array);
    return hashOf(parts) === sha256 ? { ...parts, hashes } : null;
  } catch {
    return null;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

function fill(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const got = readSync(descriptor, bytes, at, bytes.length - at, null);
    if (got === 0) throw new Error('the file is too short');
    at += got;
  }
}

/** What was kept of other versions of the set's files goes. */
function keep(contents: SetContents, file: string): void {
  const header: Header = { hashes: contents.hashes, sha256: hashOf(contents) };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  if (!keepFile(file, [length, text, ...arraysOf(contents)])) return;
  const folder = path.dirname(file);
  const prefix = path.basename(file).slice(0, -(32 + ENDING.length));
  for (const other of namesIn(folder)) {
    if (other.startsWith(prefix) && other.endsWith(ENDING) && other !== path.basename(file))
      discard(path.join(folder, other));
  }
}
