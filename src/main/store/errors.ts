import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE_NAME } from './databaseName.ts';
import { lockHolders } from './lockHolders.ts';

/** Every way the store refuses, and what the reader of the message can do about it. A closed set: hosts map it to exit codes. */
export type StoreErrorCode =
  | 'missing-database'
  | 'newer-database'
  | 'older-database'
  | 'foreign-database'
  | 'damaged'
  | 'locked'
  | 'disk-full'
  | 'readonly'
  | 'input-output'
  | 'migration-failed'
  | 'not-found'
  | 'conflict'
  | 'invalid';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Below this, a write that failed without saying why is taken to have failed for want of space. Bytes. */
const FULL_BELOW = 1 << 20;

/** What the operating system or SQLite said, as the store's own error. `folder` is the store's, `operation` names the call. */
export function toStoreError(operation: string, folder: string, cause: unknown): unknown {
  if (cause instanceof StoreError) return cause;
  const code = codeOf(cause);
  if (code === null) return cause;
  const said = cause instanceof Error ? cause.message : String(cause);
  const refuse = (kind: StoreErrorCode, sentence: string): StoreError =>
    new StoreError(kind, `${operation}: ${sentence} (${code}: ${said})`, cause);
  if (isFull(code, folder)) {
    return refuse(
      'disk-full',
      `no space is left for ${folder}; everything committed before is kept. Free some space, then resume the run`,
    );
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return refuse(
      'locked',
      `${holders(folder)} holds the database in ${folder}; wait for it to finish, then try again`,
    );
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' || isOfSchema(code, said)) {
    return refuse(
      'damaged',
      `the database in ${folder} is damaged or is no database; put back a copy (workbench.sqlite.backup-v…), or save what is intact with: ptw salvage ${folder} --out <folder>`,
    );
  }
  if (code.startsWith('SQLITE_READONLY') || code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return refuse('readonly', `${folder} may not be written; open the store for writing or choose another folder`);
  }
  if (code.startsWith('SQLITE_CONSTRAINT') || code === 'SQLITE_MISMATCH') {
    return refuse('invalid', 'internal: a value broke a rule of its table');
  }
  if (code.startsWith('SQLITE_IOERR') || code === 'SQLITE_CANTOPEN' || !code.startsWith('SQLITE_')) {
    return refuse('input-output', `${folder} could not be read or written; check the disk, then resume the run`);
  }
  return cause;
}

/** The statements are fixed and fit the version that the file says it has: what they do not find there was damaged. */
function isOfSchema(code: string, said: string): boolean {
  return code === 'SQLITE_ERROR' && /^no such (column|table)|has no column named/.test(said);
}

/** Who writes to the database, as far as the system tells. */
function holders(folder: string): string {
  const file = join(folder, DATABASE_NAME);
  const found = lockHolders([file, `${file}-shm`, `${file}-wal`]);
  return found.length === 0 ? 'another process' : found.join(' and ');
}

/** Whether what failed was the place where results are kept, and not what was to be done with it: no other run would fare better. */
export function isOfStorage(error: unknown): error is StoreError {
  return error instanceof StoreError && OF_STORAGE.has(error.code);
}
const OF_STORAGE: ReadonlySet<StoreErrorCode> = new Set(['disk-full', 'readonly', 'input-output', 'locked']);

/** The code of an error of SQLite or of a system call; null for any other, which is a defect and passes unchanged. */
function codeOf(cause: unknown): string | null {
  if (!(cause instanceof Error) || !('code' in cause) || typeof cause.code !== 'string') return null;
  return cause.code.startsWith('SQLITE_') || 'syscall' in cause ? cause.code : null;
}

function isFull(code: string, folder: string): boolean {
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT') return true;
  if (!code.startsWith('SQLITE_IOERR')) return false;
  // A full disk reaches SQLite's shared-memory file and its fsync as a plain input-output error.
  try {
    const space = statfsSync(folder);
    return space.bavail * space.bsize < FULL_BELOW;
  } catch {
    return false;
  }
}

/** Runs `work`; its SQLite and system errors leave as StoreErrors that name the operation. */
export function translating<T>(operation: string, folder: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw toStoreError(operation, folder, cause);
  }
}
