import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { connect, inTransaction, type ReadableDb, type WritableDb } from './database.ts';
import { StoreError, toStoreError } from './errors.ts';

/** One step from `version − 1` to `version`; runs inside a transaction with foreign keys unenforced, and checked at its end. */
export interface Migration {
  readonly version: number;
  readonly apply: (db: WritableDb) => void;
}

/** "PTWB" in the header of the file, so that another program's database is not taken for ours. */
export const APPLICATION_ID = 0x50545742;

export function versionOf(db: ReadableDb): number {
  return db.pragma('user_version', { simple: true }) as number;
}

function latestOf(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}

/**
 * Refuses a file that this program must not touch, before anything in it is changed.
 * @throws StoreError 'foreign-database' for another program's, 'newer-database' for a later version of this one.
 */
export function checkIdentity(db: ReadableDb, migrations: readonly Migration[]): void {
  const version = versionOf(db);
  const id = db.pragma('application_id', { simple: true }) as number;
  const isEmpty = db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
  if (id !== APPLICATION_ID && !(isEmpty && id === 0 && version === 0)) {
    throw new StoreError(
      'foreign-database',
      `open ${db.name}: its application id is ${id}, expected ${APPLICATION_ID}; it belongs to another program, move it away`,
    );
  }
  const latest = latestOf(migrations);
  if (version > latest) {
    throw new StoreError(
      'newer-database',
      `open ${db.name}: it has version ${version}, this program knows versions up to ${latest}; use the newer program that wrote it`,
    );
  }
}

/** @throws StoreError 'older-database': a database opened readonly cannot be brought up to date. */
export function requireLatest(db: ReadableDb, migrations: readonly Migration[]): void {
  const version = versionOf(db);
  const latest = latestOf(migrations);
  if (version < latest) {
    throw new StoreError(
      'older-database',
      `open ${db.name} readonly: it has version ${version}, expected ${latest}; open it once for writing, which migrates it`,
    );
  }
}

/**
 * Brings the database to the last migration's version, each step in its own transaction and, for a database that was
 * there before, with a copy `<file>.backup-v<version before>` first. Another process may be doing the same.
 * @throws StoreError 'migration-failed' with what stopped it; the step that failed has changed nothing.
 */
export function migrate(db: WritableDb, migrations: readonly Migration[]): void {
  const isNew = versionOf(db) === 0;
  for (const migration of migrations) {
    const before = versionOf(db);
    if (before >= migration.version) continue;
    if (!isNew) backUp(db, before);
    // A step that rebuilds a table drops the one that others refer to; the whole is checked before it is committed.
    db.pragma('foreign_keys = OFF');
    try {
      inTransaction(db, () => {
        applyStep(db, migration);
      });
    } catch (cause) {
      throw stoppedBy(cause, db, migration.version);
    } finally {
      db.pragma('foreign_keys = ON');
    }
  }
}

/** A full disk, a lock or a refusal say enough by themselves; anything else is a step that does not fit the rows it met. */
function stoppedBy(cause: unknown, db: ReadableDb, version: number): unknown {
  // A statement of the step that does not fit what it met is the step's own; only what it runs on is told apart.
  const isOfStep = cause instanceof Error && 'code' in cause && cause.code === 'SQLITE_ERROR';
  const known = isOfStep ? cause : toStoreError(`migrate ${db.name} to version ${version}`, dirname(db.name), cause);
  if (known instanceof StoreError) return known;
  const said = cause instanceof Error ? cause.message : String(cause);
  return new StoreError(
    'migration-failed',
    `migrate ${db.name} to version ${version}: ${said}; the database is as it was, use the program that wrote it`,
    cause,
  );
}

function applyStep(db: WritableDb, migration: Migration): void {
  const before = versionOf(db);
  // Another process was faster between the look outside and the lock.
  if (before >= migration.version) return;
  if (before !== migration.version - 1) {
    throw new StoreError('migration-failed', `internal: migration ${migration.version} met version ${before}`);
  }
  migration.apply(db);
  const broken = db.pragma('foreign_key_check') as unknown[];
  if (broken.length > 0) {
    throw new StoreError(
      'migration-failed',
      `migrate ${db.name} to version ${migration.version}: ${broken.length} rows would refer to nothing; the database stays at version ${before}`,
    );
  }
  db.pragma(`user_version = ${migration.version}`);
  db.pragma(`application_id = ${APPLICATION_ID}`);
}

/** Writes under a temporary name and renames only a copy that was read back, so a file of that name is always whole. */
function backUp(db: WritableDb, version: number): void {
  const backup = `${db.name}.backup-v${version}`;
  const unfinished = `${backup}.${process.pid}.unfinished`;
  rmSync(unfinished, { force: true });
  try {
    db.prepare('VACUUM INTO ?').run(unfinished);
    const isWhole = checkCopy(unfinished, version);
    // Not the version asked for: another process migrated meanwhile, and its own backup has the older state.
    if (!isWhole) return;
    const descriptor = openSync(unfinished, 'r+');
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(unfinished, backup);
  } finally {
    if (existsSync(unfinished)) rmSync(unfinished);
  }
}

/** False when the copy has another version. @throws StoreError 'damaged' when the copy is not consistent. */
function checkCopy(file: string, version: number): boolean {
  const copy = connect(file, { readonly: true, busyTimeoutMilliseconds: 0 });
  try {
    const found = copy.pragma('quick_check(1)', { simple: true });
    if (found !== 'ok') {
      throw new StoreError(
        'damaged',
        `back up before migration: the copy is inconsistent (${String(found)}); nothing was migrated`,
      );
    }
    return versionOf(copy) === version;
  } finally {
    copy.close();
  }
}
