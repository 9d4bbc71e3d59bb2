import Database from 'better-sqlite3';
import { StoreError } from './errors.ts';

declare const access: unique symbol;
/** A connection that may be read. What only reads asks for this one. */
export type ReadableDb = Database.Database & { readonly [access]: 'read' | 'write' };
/** A connection that may be written as well; {@link asWritable} is the only way to one. */
export type WritableDb = Database.Database & { readonly [access]: 'write' };

/** Opens the file as it is, with no look at what is in it. Milliseconds wait for another process's lock. */
export function connect(
  file: string,
  options: { readonly readonly: boolean; readonly busyTimeoutMilliseconds: number },
): ReadableDb {
  return new Database(file, {
    readonly: options.readonly,
    fileMustExist: options.readonly,
    timeout: options.busyTimeoutMilliseconds,
  }) as ReadableDb;
}

/** @throws StoreError 'readonly' when the store was opened only to be read. */
export function asWritable(db: ReadableDb): WritableDb {
  if (db.readonly) {
    throw new StoreError('readonly', `write to ${db.name}: the store was opened readonly; open it without that option`);
  }
  return db as WritableDb;
}

const prepared = new WeakMap<ReadableDb, Map<string, Database.Statement>>();

/** The statement of this text, prepared once a connection. `Row` is what a row of its result looks like. */
export function statement<Row = never>(db: ReadableDb, sql: string): Database.Statement<unknown[], Row> {
  let statements = prepared.get(db);
  if (statements === undefined) prepared.set(db, (statements = new Map<string, Database.Statement>()));
  let found = statements.get(sql);
  if (found === undefined) statements.set(sql, (found = db.prepare(sql)));
  return found as Database.Statement<unknown[], Row>;
}

/** All of `work` or nothing. The write lock is taken at the start, so that no read inside it can be stale at its end. */
export function inTransaction<T>(db: WritableDb, work: () => T): T {
  return db.transaction(work).immediate();
}

/** @throws StoreError 'not-found' unless the statement changed exactly the one row it was meant for. */
export function expectOneChange(result: Database.RunResult, operation: string, row: string): void {
  if (result.changes !== 1) {
    throw new StoreError(
      'not-found',
      `${operation}: ${row} does not exist (${result.changes} rows changed, expected 1)`,
    );
  }
}
