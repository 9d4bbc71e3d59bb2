import Database from 'better-sqlite3';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MIGRATIONS } from '../../src/main/store/migrations/index.ts';
import { openStore } from '../../src/main/store/store.ts';
import { certificatesOf } from './certificates.ts';
import { certificationStage, keyOf, temporaryFolder } from './fixtures.ts';

it('version 2 keeps the stages of version 1 with all that refers to them, and takes the new kinds', () => {
  const folder = temporaryFolder();
  const before = openStore(folder, { migrations: MIGRATIONS.slice(0, 1) });
  const stage = certificationStage(before);
  // The statements are those of the last version, so rows of the first are written without the store.
  before.close();
  const old = new Database(join(folder, 'workbench.sqlite'));
  old.prepare("INSERT INTO prediction VALUES (?, 7, 3, 3, x'00000000')").run(stage);
  old.prepare('INSERT INTO pgd VALUES (?, 7, 3, 1, NULL, NULL, NULL, 0.25)').run(stage);
  const stored = old.prepare('SELECT * FROM stage').all();
  expect(() =>
    old.exec(`INSERT INTO stage (key, kind, inputs, status) VALUES ('${keyOf('x')}', 'noise-attack', '{}', 'done')`),
  ).toThrow('CHECK');
  old.close();

  const store = openStore(folder);
  expect(store.stages.get(stage)).toMatchObject({ kind: 'certification', headLabel: '1 layer, none' });
  expect(store.results.predictions(stage)).toMatchObject([{ datasetIndex: 7, label: 3 }]);
  expect(store.results.pgd(stage)).toMatchObject([
    { datasetIndex: 7, zeroGradientShare: 0.25, lossStart: null, lossHalf: null, lossEnd: null },
  ]);
  expect(store.results.commitInstance(stage, certificatesOf(0))).toBe(5);
  const added = store.stages.ensureStage({
    key: keyOf('y'),
    kind: 'noise-attack',
    domain: 'source',
    headLabel: 'x',
    inputs: {},
  });
  expect(added.kind).toBe('noise-attack');
  store.close();

  const migrated = new Database(join(folder, 'workbench.sqlite'), { readonly: true });
  expect(migrated.prepare('SELECT * FROM stage WHERE id = ?').all(stage)).toEqual(stored);
  expect(migrated.prepare("SELECT name FROM sqlite_schema WHERE name = 'stage_by_status'").all()).toHaveLength(1);
  expect(migrated.pragma('foreign_key_check')).toEqual([]);
  expect(migrated.prepare('PRAGMA foreign_key_list(prediction)').all()).toMatchObject([{ table: 'stage' }]);
  migrated.close();
});
