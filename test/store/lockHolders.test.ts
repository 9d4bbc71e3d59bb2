import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockFolder } from '../../src/main/store/folderLock.ts';
import { openStore } from '../../src/main/store/store.ts';
import { certificatesOf } from './certificates.ts';
import { certificationStage, refusalOf, temporaryFolder } from './fixtures.ts';

const HOLD = `
  import Database from 'better-sqlite3';
  const db = new Database(process.argv.at(-1));
  db.exec('BEGIN IMMEDIATE');
  process.stdout.write('held');
  setTimeout(() => undefined, 60_000);
`;

/** A process that holds the write lock of a file until the work is over. */
async function whileHeld(file: string, work: (pid: number) => void): Promise<void> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', HOLD, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(child.stdout, 'data');
    work(child.pid!);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

const isLinux = process.platform === 'linux';

describe.runIf(isLinux)('a lock that another process holds', () => {
  it('on the database is told with its name', async () => {
    const folder = temporaryFolder();
    const store = openStore(folder, { busyTimeoutMilliseconds: 20 });
    const stage = certificationStage(store);
    await whileHeld(join(folder, 'workbench.sqlite'), (pid) => {
      const refusal = refusalOf(() => store.results.commitInstance(stage, certificatesOf(0)));
      expect(refusal.code).toBe('locked');
      expect(refusal.message).toContain(`process ${pid} (node --input-type=module`);
    });
    expect(store.results.commitInstance(stage, certificatesOf(0))).toBe(5);
    store.close();
  });

  it('on the workbench of a folder is told with its name, and is gone with its process', async () => {
    const folder = temporaryFolder();
    await whileHeld(join(folder, 'workbench.lock'), (pid) => {
      const refusal = refusalOf(() => lockFolder(folder));
      expect(refusal.code).toBe('conflict');
      expect(refusal.message).toContain(`process ${pid} (node --input-type=module`);
    });
    lockFolder(folder)();
  });
});

describe('the lock of a folder', () => {
  it('is had once, and again after it was given back', () => {
    const folder = join(temporaryFolder(), 'not', 'there', 'yet');
    const unlock = lockFolder(folder);
    expect(refusalOf(() => lockFolder(folder)).code).toBe('conflict');
    unlock();
    lockFolder(folder)();
  });
});

describe('a run that this process does not work on any more', () => {
  it('though its end could not be written, can be resumed', () => {
    const folder = temporaryFolder();
    const store = openStore(folder);
    const { id } = store.runs.create({ name: 'x', config: {}, environment: {} });
    expect(refusalOf(() => store.runs.resume(id, { environment: {} })).code).toBe('conflict');
    expect(store.runs.markStale()).toEqual([]);
    const readonly = openStore(folder, { readonly: true });
    expect(refusalOf(() => readonly.runs.interrupt(id, 1)).code).toBe('readonly');
    readonly.close();
    store.close();
  });
});
