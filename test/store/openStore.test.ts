import Database from 'better-sqlite3';
import { existsSync, openSync, readdirSync, statSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Migration } from '../../src/main/store/migrate.ts';
import { MIGRATIONS } from '../../src/main/store/migrations/index.ts';
import { openStore } from '../../src/main/store/store.ts';
import { certificatesOf } from './certificates.ts';
import { certificationStage, refusalOf, temporaryFolder } from './fixtures.ts';

const fileIn = (folder: string): string => join(folder, 'workbench.sqlite');
const LATEST = MIGRATIONS.length;
const addColumn: Migration = {
  version: LATEST + 1,
  apply: (db) => void db.exec('ALTER TABLE run ADD COLUMN remark TEXT'),
};

function storeWithRows(folder: string, instances = 1): void {
  const store = openStore(folder);
  const stage = certificationStage(store);
  for (let index = 0; index < instances; index += 1) store.results.commitInstance(stage, certificatesOf(index));
  store.close();
}

function inspect(folder: string, sql: string, name = 'workbench.sqlite'): unknown {
  const db = new Database(join(folder, name), { readonly: true });
  const value = db.prepare(sql).pluck().get();
  db.close();
  return value;
}

describe('openStore refuses', () => {
  it('to read where nothing was run, and makes nothing', () => {
    const folder = join(temporaryFolder(), 'absent');
    const refusal = refusalOf(() => openStore(folder, { readonly: true }));
    expect(refusal.code).toBe('missing-database');
    expect(refusal.message).toBe(`no database at ${fileIn(folder)}: nothing was run yet here; start with ptw run demo`);
    expect(existsSync(folder)).toBe(false);
  });

  it.each([{ readonly: false }, { readonly: true }])('a newer database, untouched (%o)', ({ readonly }) => {
    const folder = temporaryFolder();
    storeWithRows(folder);
    openStore(folder, { migrations: [...MIGRATIONS, addColumn] }).close();
    const refusal = refusalOf(() => openStore(folder, { readonly }));
    expect(refusal.code).toBe('newer-database');
    expect(refusal.message).toContain(`version ${LATEST + 1}, this program knows versions up to ${LATEST}`);
  });

  it("another program's database", () => {
    const folder = temporaryFolder();
    const db = new Database(fileIn(folder));
    db.exec('CREATE TABLE theirs (x)');
    db.close();
    expect(refusalOf(() => openStore(folder)).code).toBe('foreign-database');
    expect(inspect(folder, 'SELECT count(*) FROM sqlite_schema')).toBe(1);
  });

  it('a file that is no database', () => {
    const folder = temporaryFolder();
    writeFileSync(fileIn(folder), 'no database at all, '.repeat(100));
    expect(refusalOf(() => openStore(folder)).code).toBe('damaged');
  });

  it('to answer from damaged pages', () => {
    const folder = temporaryFolder();
    storeWithRows(folder, 20);
    const { size } = statSync(fileIn(folder));
    const descriptor = openSync(fileIn(folder), 'r+');
    // All but the first page, which has the header and the schema's root.
    writeSync(descriptor, Buffer.alloc(size - 4096, 0xa5), 0, size - 4096, 4096);
    closeSync(descriptor);
    expect(refusalOf(() => openStore(folder).results.instanceCertificates(1, 0)).code).toBe('damaged');
  });

  it('an older database readonly, saying how to migrate it', () => {
    const folder = temporaryFolder();
    storeWithRows(folder);
    const refusal = refusalOf(() => openStore(folder, { readonly: true, migrations: [...MIGRATIONS, addColumn] }));
    expect(refusal.code).toBe('older-database');
    expect(refusal.message).toContain('open it once for writing');
  });

  it('to write when opened readonly, files included', () => {
    const folder = temporaryFolder();
    storeWithRows(folder);
    const store = openStore(folder, { readonly: true });
    const writes = [
      () => store.runs.create({ name: 'x', config: {}, environment: {} }),
      () => store.results.commitInstance(1, certificatesOf(9)),
      () => store.artefacts.put(1, { role: 'weights', kind: 'test', bytes: Uint8Array.of(1) }),
    ];
    for (const write of writes) expect(refusalOf(write).code).toBe('readonly');
    expect(store.results.certifiedIndices(1)).toEqual([0]);
    store.close();
    expect(existsSync(join(folder, 'artefacts'))).toBe(false);
  });

  it('to wait longer than it was told for a lock', () => {
    const folder = temporaryFolder();
    storeWithRows(folder);
    const store = openStore(folder, { busyTimeoutMilliseconds: 20 });
    const other = new Database(fileIn(folder));
    other.exec('BEGIN IMMEDIATE');
    expect(refusalOf(() => store.results.commitInstance(1, certificatesOf(1))).code).toBe('locked');
    other.close();
    expect(store.results.commitInstance(1, certificatesOf(1))).toBe(5);
    store.close();
  });
});

describe('openStore', () => {
  it('makes the folder, a sealed database of the last version, and no backup of nothing', () => {
    const folder = join(temporaryFolder(), 'a', 'b');
    openStore(folder).close();
    expect(readdirSync(folder)).toEqual(['workbench.sqlite', 'workbench.sqlite.seal']);
    expect(inspect(folder, 'PRAGMA user_version')).toBe(MIGRATIONS.length);
    expect(inspect(folder, 'PRAGMA application_id')).toBe(0x50545742);
  });

  it('copies a database with rows before it migrates it, and keeps the rows', () => {
    const folder = temporaryFolder();
    storeWithRows(folder);
    const store = openStore(folder, { migrations: [...MIGRATIONS, addColumn] });
    expect(store.results.instanceCertificates(1, 0)).toStrictEqual(certificatesOf(0));
    store.close();
    expect(inspect(folder, 'PRAGMA user_version')).toBe(LATEST + 1);
    const backup = `workbench.sqlite.backup-v${LATEST}`;
    expect(readdirSync(folder).filter((name) => name.includes('backup'))).toEqual([backup]);
    expect(inspect(folder, 'PRAGMA user_version', backup)).toBe(LATEST);
    expect(inspect(folder, 'SELECT count(*) FROM certificate', backup)).toBe(5);
    openStore(folder, { migrations: [...MIGRATIONS, addColumn] }).close();
    expect(readdirSync(folder).filter((name) => name.includes('backup'))).toEqual([backup]);
  });

  it.each([
    ['throws halfway', (db) => void db.exec('DELETE FROM certificate_evidence; ALTER TABLE nowhere ADD COLUMN x')],
    ['leaves rows that refer to nothing', (db) => void db.exec('DELETE FROM run')],
  ] satisfies [string, Migration['apply']][])('undoes a migration that %s', (_how, apply) => {
    const folder = temporaryFolder();
    storeWithRows(folder);
    const refusal = refusalOf(() => openStore(folder, { migrations: [...MIGRATIONS, { version: LATEST + 1, apply }] }));
    expect(refusal.code).toBe('migration-failed');
    expect(refusal.message).toContain(`to version ${LATEST + 1}`);
    const store = openStore(folder);
    expect(store.results.instanceCertificates(1, 0)).toStrictEqual(certificatesOf(0));
    expect(store.runs.list()).toHaveLength(1);
    store.close();
  });

  it('enforces foreign keys, before and after a migration', () => {
    const folder = temporaryFolder();
    for (const migrations of [MIGRATIONS, [...MIGRATIONS, addColumn]]) {
      const store = openStore(folder, { migrations });
      expect(refusalOf(() => store.results.commitInstance(404, certificatesOf(0))).code).toBe('invalid');
      store.close();
    }
  });
});
