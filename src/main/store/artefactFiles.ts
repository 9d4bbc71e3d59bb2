import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { StoreError } from './errors.ts';
import { existsProcess } from './owner.ts';

const HASH = /^[0-9a-f]{64}$/;
const TEMPORARY = /^\.(\d+)-[0-9a-f-]+\.tmp$/;

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** `<folder>/<first two hex digits>/<hash>`. @throws StoreError 'invalid' for what is no hash: a path never comes from outside. */
export function artefactPath(folder: string, hash: string): string {
  if (!HASH.test(hash)) {
    throw new StoreError('invalid', `artefact path: got ${JSON.stringify(hash)}, expected 64 lower-case hex digits`);
  }
  return join(folder, hash.slice(0, 2), hash);
}

/** Bytes on the disk under a name that nothing refers to yet. Ends with {@link keep} or {@link discard}. */
export function writeTemporary(folder: string, bytes: Uint8Array): string {
  mkdirSync(folder, { recursive: true });
  const temporary = join(folder, `.${process.pid}-${randomUUID()}.tmp`);
  try {
    const descriptor = openSync(temporary, 'wx');
    try {
      writeFileSync(descriptor, bytes);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    discard(temporary);
    throw error;
  }
  return temporary;
}

/** The temporary file under its hash, durably. A file already there gives way: it may be a damaged one. */
export function keep(folder: string, temporary: string, hash: string): void {
  const path = artefactPath(folder, hash);
  mkdirSync(dirname(path), { recursive: true });
  renameSync(temporary, path);
  syncFolder(dirname(path));
  syncFolder(folder);
}

export function discard(temporary: string): void {
  rmSync(temporary, { force: true });
}

const CURE = '; resume its run, which makes it again';
/** What is wrong with an artefact, for whoever does already what can be done about it. */
export const withoutCure = ({ message }: StoreError): string => message.replace(CURE, '');

/** @throws StoreError 'damaged' when the file is gone or its bytes have another hash. */
export function readVerified(folder: string, hash: string): Uint8Array {
  const path = artefactPath(folder, hash);
  if (!existsSync(path)) {
    throw new StoreError('damaged', `read artefact ${hash}: its file ${path} is gone${CURE}`);
  }
  const bytes = readFileSync(path);
  const got = sha256(bytes);
  if (got !== hash) {
    throw new StoreError('damaged', `read artefact: the SHA-256 of ${path} is ${got}, expected ${hash}${CURE}`);
  }
  return bytes;
}

export function remove(folder: string, hash: string): void {
  rmSync(artefactPath(folder, hash), { force: true });
}

/** Removes the files whose hash nothing holds, and what dead processes left half-written. The caller holds the write lock. */
export function removeUnheld(folder: string, isHeld: (hash: string) => boolean): { files: number; bytes: number } {
  const freed = { files: 0, bytes: 0 };
  if (!existsSync(folder)) return freed;
  const free = (path: string): void => {
    freed.bytes += statSync(path).size;
    freed.files += 1;
    rmSync(path);
  };
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const writer = TEMPORARY.exec(entry.name)?.[1];
    if (writer !== undefined && !existsProcess(Number(writer))) free(path);
    if (!entry.isDirectory()) continue;
    for (const name of readdirSync(path)) {
      if (HASH.test(name) && !isHeld(name)) free(join(path, name));
    }
  }
  return freed;
}

/** What was made, renamed or removed in it lasts. */
export function syncFolder(folder: string): void {
  // Windows has no fsync of a folder; a rename is in its journal.
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
