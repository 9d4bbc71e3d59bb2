import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { asWritable, connect, inTransaction, type ReadableDb } from './database.ts';
import { StoreError } from './errors.ts';
import { checkIdentity, migrate, requireLatest, versionOf, type Migration } from './migrate.ts';
import { stageSeals } from './migrations/005-stage-seals.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { breakSeal, checkSeal, isSealed, requireIntact } from './seal.ts';
import { requireStagesIntact, sealDoneStages } from './stageSeal.ts';

export interface DatabaseOptions {
  /** Refuse to write, and to make or migrate a database. */
  readonly readonly?: boolean;
  /** How long to wait for another process's lock; 5000 by default. */
  readonly busyTimeoutMilliseconds?: number;
  /** For tests of the mechanics; the program's own by default. */
  readonly migrations?: readonly Migration[];
}

/** A connection set up for durability, to a database of this program's version. Errors as of openStore, not yet translated. */
export function openDatabase(file: string, options: DatabaseOptions = {}): ReadableDb {
  const { readonly = false, busyTimeoutMilliseconds = 5000, migrations = MIGRATIONS } = options;
  if (readonly && !existsSync(file)) {
    throw new StoreError(
      'missing-database',
      `no database at ${file}: nothing was run yet here; start with ptw run demo`,
    );
  }
  if (!readonly) mkdirSync(dirname(file), { recursive: true });
  const db = connect(file, { readonly, busyTimeoutMilliseconds });
  try {
    checkSeal(db);
    checkIdentity(db, migrations);
    if (!readonly) {
      if (!isSealed(file)) {
        requireIntact(db);
        requireStagesIntact(db);
      }
      breakSeal(asWritable(db));
    }
    db.pragma('foreign_keys = ON');
    if (readonly) {
      requireLatest(db, migrations);
    } else {
      // On a file system without shared memory SQLite keeps its rollback journal, which is as safe, only slower.
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = FULL');
      const target = asWritable(db);
      const before = versionOf(db);
      migrate(target, migrations);
      if (versionOf(db) > before && versionOf(db) >= stageSeals.version)
        inTransaction(target, () => sealDoneStages(target));
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
