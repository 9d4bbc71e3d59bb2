import Database from 'better-sqlite3';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError, translating } from './errors.ts';
import { lockHolders } from './lockHolders.ts';

const LOCK_NAME = 'workbench.lock';

/**
 * Takes the folder for one workbench: two queues on one database would work the same entries off twice. Runs of the command line
 * have owners of their own and go on beside it. The lock is SQLite's on a file that stays empty, so that the system takes it back when
 * its process ends, however it does.
 * @returns what gives it back
 * @throws StoreError 'conflict' naming who has it; 'readonly', 'disk-full', 'input-output' where it cannot be had at all
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, LOCK_NAME);
  return translating(`open the workbench of ${folder}`, folder, () => {
    mkdirSync(folder, { recursive: true });
    const lock = new Database(file, { timeout: 0 });
    try {
      lock.exec('BEGIN IMMEDIATE');
    } catch (error) {
      lock.close();
      if (!isBusy(error)) throw error;
      const [holder = 'another process'] = lockHolders([file]);
      throw new StoreError(
        'conflict',
        `open the workbench of ${folder}: ${holder} has it open; use that one, or end it first (PTW_HOME chooses another folder)`,
      );
    }
    return () => lock.close();
  });
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
