import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { toStoreError } from '../../src/main/store/errors.ts';
import { asWritable, inTransaction, type WritableDb } from '../../src/main/store/database.ts';
import { openDatabase } from '../../src/main/store/openDatabase.ts';
import { openResults } from '../../src/main/store/results.ts';
import { openStore } from '../../src/main/store/store.ts';
import { certificatesOf } from './certificates.ts';
import { certificationStage, keyOf, refusalOf, temporaryFolder } from './fixtures.ts';

const KILL_AFTER = 25;

describe('a killed process', () => {
  it('loses no instance whose commit had returned, and its run can be resumed', async () => {
    const folder = temporaryFolder();
    const script = join(import.meta.dirname, 'commitUntilKilled.ts');
    const child = spawn(process.execPath, [script, folder, keyOf('killed')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    const acknowledged: number[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(Number(line));
      if (acknowledged.length === KILL_AFTER) child.kill('SIGKILL');
    }
    expect((await exited)[1]).toBe('SIGKILL');

    const store = openStore(folder);
    const { id } = store.stages.findByKey(keyOf('killed'))!;
    const stored = store.results.certifiedIndices(id);
    expect(acknowledged.length).toBeGreaterThanOrEqual(KILL_AFTER);
    // At most the instance in work when it died is there beyond those acknowledged, and then whole.
    expect(stored.length - acknowledged.length).toBeGreaterThanOrEqual(0);
    expect(stored.length - acknowledged.length).toBeLessThanOrEqual(1);
    for (const index of stored) {
      expect(store.results.instanceCertificates(id, index)).toStrictEqual(certificatesOf(index));
    }
    expect(store.runs.markStale()).toEqual([1]);
    expect(store.stages.get(id).status).toBe('pending');
    expect(store.runs.resume(1, { environment: {} }).status).toBe('running');
    expect(store.results.commitInstance(id, certificatesOf(0))).toBe(0);
    store.close();
  });
});

describe('a connection', () => {
  it('syncs at every commit, enforces foreign keys and waits for locks', () => {
    const file = join(temporaryFolder(), 'workbench.sqlite');
    // The second time there is nothing to migrate.
    openDatabase(file).close();
    const db = openDatabase(file);
    const settings = ['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout'];
    // 2 is FULL.
    expect(settings.map((name) => db.pragma(name, { simple: true }))).toEqual(['wal', 2, 1, 5000]);
    db.close();
  });
});

describe('a transaction', () => {
  it('has the write lock from its start, so that what it read cannot change before it writes', () => {
    const file = join(temporaryFolder(), 'workbench.sqlite');
    const db = asWritable(openDatabase(file));
    const other = asWritable(openDatabase(file, { busyTimeoutMilliseconds: 0 }));
    inTransaction(db, () => {
      expect(() => {
        inTransaction(other, () => undefined);
      }).toThrow('database is locked');
    });
    other.close();
    db.close();
  });
});

describe('a full disk', () => {
  function limited(folder: string): WritableDb {
    const db = asWritable(openDatabase(join(folder, 'workbench.sqlite')));
    db.pragma(`max_page_count = ${(db.pragma('page_count', { simple: true }) as number) + 10}`);
    return db;
  }

  it('is told as such with what to do, and leaves every committed instance readable', () => {
    const folder = temporaryFolder();
    const store = openStore(folder);
    const stage = certificationStage(store);
    const db = limited(folder);
    const results = openResults(db, folder);
    let committed = 0;
    const refusal = refusalOf(() => {
      try {
        for (; committed < 1000; committed += 1) results.commitInstance(stage, certificatesOf(committed));
      } catch (cause) {
        throw toStoreError('commit', folder, cause);
      }
    });
    expect(refusal.code).toBe('disk-full');
    expect(refusal.message).toContain('everything committed before is kept. Free some space, then resume the run');
    expect(committed).toBeGreaterThan(0);
    expect(results.certifiedIndices(stage)).toHaveLength(committed);
    expect([...store.results.iterateCertificates(stage)]).toStrictEqual(
      Array.from({ length: committed }, (_, index) => certificatesOf(index)).flat(),
    );
    // Space again: the same connection goes on.
    db.pragma('max_page_count = 100000');
    expect(results.commitInstance(stage, certificatesOf(committed))).toBe(5);
    db.close();
    store.close();
  });

  it('is told as such by the operating system too', () => {
    const cause = Object.assign(new Error('no space left on device'), { code: 'ENOSPC', syscall: 'write' });
    expect(toStoreError('put', '/somewhere', cause)).toMatchObject({ name: 'StoreError', code: 'disk-full', cause });
  });

  it('is not made of a defect', () => {
    const cause = new TypeError('x is not a function');
    expect(toStoreError('put', '/somewhere', cause)).toBe(cause);
  });
});
