import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { syncFolder } from './artefactFiles.ts';
import type { ReadableDb, WritableDb } from './database.ts';
import { StoreError } from './errors.ts';

/**
 * A database that is closed in order lies sealed: beside it a file says the SHA-256 of its bytes. SQLite sees damage to the structure of a
 * file; a bit that changed inside a value it takes for the value. Whoever opens the database for writing breaks the seal before anything
 * changes, so after a crash there is none. Another program that writes through SQLite, or a copy that is put back, has another number of
 * changes in its header, by which it is known: the seal is void then.
 */
export const sealOf = (file: string): string => `${file}.seal`;

/** @throws StoreError 'damaged' when the file is not what was sealed. Does nothing where there is no seal. */
export function checkSeal(db: ReadableDb): void {
  // Under the read lock nobody begins to write, and with it on a database that is being written to there is no seal.
  db.exec('BEGIN');
  try {
    db.prepare('SELECT 1 FROM sqlite_schema').get();
    requireSealed(db.name);
  } finally {
    rollBack(db);
  }
}

export const isSealed = (file: string): boolean => existsSync(sealOf(file));

/**
 * Of a database without a seal, such as after a crash, at least the structure is looked at: an index that lost an entry would hide rows.
 * @throws StoreError 'damaged'
 */
export function requireIntact(db: ReadableDb): void {
  const found = integrityOf(db);
  if (found === 'ok') return;
  throw new StoreError(
    'damaged',
    `open ${db.name}: it is damaged (${found}); save what is intact with: ptw salvage ${db.name} --out <folder>`,
  );
}

/** What the check says; a constraint that damage made into nonsense ends the check itself. */
function integrityOf(db: ReadableDb): string {
  try {
    return String(db.pragma('integrity_check(1)', { simple: true }));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'SQLITE_ERROR') return error.message;
    throw error;
  }
}

/** Takes off a seal that was checked, while nobody else reads or writes: from here on the file may change. */
export function breakSeal(db: WritableDb): void {
  if (!isSealed(db.name)) return;
  db.exec('BEGIN EXCLUSIVE');
  try {
    rmSync(sealOf(db.name), { force: true });
    syncFolder(dirname(db.name));
  } finally {
    rollBack(db);
  }
}

/** Closes the connection; the last one of a database that can be written leaves it sealed, in one file without a log beside it. */
export function closeSealed(db: ReadableDb): void {
  try {
    if (!db.readonly && isAlone(db)) {
      db.exec('BEGIN EXCLUSIVE');
      writeSeal(db.name, measure(db.name));
    }
  } catch {
    // Another process has it open, or the disk is full: it stays as it is, without a seal.
  } finally {
    rollBack(db);
    db.close();
  }
}

/** Leaving the write-ahead log needs that no other connection is there. */
function isAlone(db: ReadableDb): boolean {
  db.pragma('busy_timeout = 0');
  return db.pragma('journal_mode = DELETE', { simple: true }) === 'delete';
}

function rollBack(db: ReadableDb): void {
  if (db.inTransaction) db.exec('ROLLBACK');
}

function requireSealed(file: string): void {
  const sealed = readSeal(file);
  if (sealed === null) return;
  const found = measure(file);
  if (found.digest === sealed.digest || found.changes !== sealed.changes) return;
  throw new StoreError(
    'damaged',
    `open ${file}: bytes of it changed on the disk since it was closed (SHA-256 ${found.digest.slice(0, 12)}…, expected ${sealed.digest.slice(0, 12)}…). ` +
      `Put back a copy (${basename(file)}.backup-v…), or save what is intact with: ptw salvage ${file} --out <folder>`,
  );
}

interface Seal {
  /** SQLite's number of changes to the file, from its header. */
  readonly changes: number;
  /** SHA-256 of the bytes, those of that number as zeros. */
  readonly digest: string;
}

/** A seal that cannot be read says nothing. */
function readSeal(file: string): Seal | null {
  try {
    const read = /^(\d+) ([0-9a-f]{64})\n$/.exec(readFileSync(sealOf(file), 'utf8'));
    return read === null ? null : { changes: Number(read[1]), digest: read[2] };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

function writeSeal(file: string, { changes, digest }: Seal): void {
  const unfinished = `${sealOf(file)}.${process.pid}.unfinished`;
  try {
    writeFileSync(unfinished, `${changes} ${digest}\n`, { flush: true });
    renameSync(unfinished, sealOf(file));
    syncFolder(dirname(file));
  } finally {
    rmSync(unfinished, { force: true });
  }
}

const CHUNK = 1 << 20;

/** The file change counter and its copy, "version valid for" (SQLite's file format, section 1.3). */
const COUNTER = 24;
const COUNTER_COPY = 92;

/** In pieces, since a database may be larger than memory. */
function measure(file: string): Seal {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(CHUNK);
  const descriptor = openSync(file, 'r');
  try {
    let changes: number | null = null;
    for (let read = readSync(descriptor, piece); read > 0; read = readSync(descriptor, piece)) {
      if (changes === null) {
        changes = piece.readUInt32BE(COUNTER);
        piece.writeUInt32BE(0, COUNTER);
        piece.writeUInt32BE(0, COUNTER_COPY);
      }
      hash.update(piece.subarray(0, read));
    }
    return { changes: changes ?? 0, digest: hash.digest('hex') };
  } finally {
    closeSync(descriptor);
  }
}
