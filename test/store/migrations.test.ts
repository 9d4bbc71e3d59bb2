import Database from 'better-sqlite3';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { toNullableReal } from '../../src/main/store/exactValues.ts';
import { marginOf } from '../../src/main/store/margin.ts';
import { MIGRATIONS } from '../../src/main/store/migrations/index.ts';
import { openStore } from '../../src/main/store/store.ts';
import { certificatesOf } from './certificates.ts';
import { certificationStage, keyOf, temporaryFolder } from './fixtures.ts';

/** A certification stage of a run, as certificationStage makes it. */
function oldStage(db: Database.Database): number {
  const config = JSON.stringify({ name: 'old', certification: { sigma: 0.25 }, heads: [{ layers: 1 }, { layers: 4 }] });
  const run = db
    .prepare(
      "INSERT INTO run (name, config, status, environment, created_at, owner_pid, owner_start_token) VALUES ('old', ?, 'done', '{}', '2026-01-01', 1, '')",
    )
    .run(config).lastInsertRowid;
  const stage = db
    .prepare(
      "INSERT INTO stage (key, kind, domain, head_label, inputs, status) VALUES (?, 'certification', 'target', '1 layer, none', '{}', 'done')",
    )
    .run(keyOf('old')).lastInsertRowid;
  db.prepare('INSERT INTO run_stage VALUES (?, ?, 0)').run(run, stage);
  return Number(stage);
}

it('version 2 keeps the stages of version 1 with all that refers to them, and takes the new kinds', () => {
  const folder = temporaryFolder();
  // The statements are those of the last version, so rows of the first are written without the store.
  openStore(folder, { migrations: MIGRATIONS.slice(0, 1) }).close();
  const old = new Database(join(folder, 'workbench.sqlite'));
  const stage = oldStage(old);
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

it("version 3 takes a run's config apart into values, and a certificate's margin from its evidence", () => {
  const folder = temporaryFolder();
  const fresh = openStore(folder);
  const expected = certificatesOf(0);
  fresh.results.commitInstance(certificationStage(fresh), expected);
  fresh.close();
  const written = marginsIn(folder);
  const margins = expected.map(({ evidence, verdict }) => toNullableReal(marginOf(evidence, verdict.predicted)));
  expect(written).toEqual(margins);
  expect(margins.filter((margin) => margin !== null).length).toBeGreaterThan(1);

  // The same rows in a database of version 2.
  const old = temporaryFolder();
  openStore(old, { migrations: MIGRATIONS.slice(0, 2) }).close();
  const db = new Database(join(old, 'workbench.sqlite'));
  const stage = oldStage(db);
  db.exec(`ATTACH '${join(folder, 'workbench.sqlite')}' AS now`);
  const columns = (table: string): string =>
    (db.prepare(`SELECT name FROM pragma_table_info('${table}', 'main')`).pluck().all() as string[]).join(', ');
  db.pragma('foreign_keys = OFF');
  for (const table of ['certificate', 'certificate_evidence', 'evidence_array']) {
    db.exec(`INSERT INTO ${table} (${columns(table)}) SELECT ${columns(table)} FROM now.${table}`);
  }
  db.prepare('UPDATE certificate SET stage_id = ?').run(stage);
  db.close();
  openStore(old).close();
  expect(marginsIn(old)).toEqual(written);
  const migrated = new Database(join(old, 'workbench.sqlite'), { readonly: true });
  expect(migrated.prepare('SELECT key, value FROM run_value ORDER BY key').raw().all()).toEqual([
    ['certification.sigma', 0.25],
    ['heads[0].layers', 1],
    ['heads[1].layers', 4],
    ['name', 'old'],
  ]);
  migrated.close();
});

function marginsIn(folder: string): unknown[] {
  const db = new Database(join(folder, 'workbench.sqlite'), { readonly: true });
  const margins = db.prepare('SELECT margin FROM certificate ORDER BY id').pluck().all();
  db.close();
  return margins;
}

it('version 4 keeps what version 3 holds, and takes launches in and every shard once', () => {
  const folder = temporaryFolder();
  openStore(folder, { migrations: MIGRATIONS.slice(0, 3) }).close();
  const db = new Database(join(folder, 'workbench.sqlite'));
  const stage = oldStage(db);
  const study = Number(
    db.prepare("INSERT INTO study (name, config, created_at) VALUES ('s', '{}', 'now')").run().lastInsertRowid,
  );
  db.close();
  const store = openStore(folder);
  expect(store.stages.get(stage).status).toBe('done');
  expect(store.launches.list()).toEqual([]);
  const place = { folder: '/shared/x', launcher: 'slurm', ssh: null, command: 'ptw' };
  const launch = store.launches.record({ name: 'x', studyId: study, place });
  expect(store.launches.ofStudy(study)).toEqual([launch]);
  expect(store.launches.record({ name: 'x', studyId: study, place: { ...place, ssh: 'login' } }).id).toBe(launch.id);
  expect(store.launches.record({ name: 'y', studyId: study, place }).id).toBe(launch.id + 1);
  const { key, kind, domain } = store.stages.get(stage);
  const from = { stages: store.stages, results: store.results, artefacts: { ofStage: () => [] } };
  const shard = {
    hash: 'a'.repeat(64),
    launch: 'x',
    task: 't',
    provenance: { node: 'n' },
    from,
    own: new Map([[key, 0]]),
  };
  const row = store.stages.findByKey(key)!;
  const weights = (): Uint8Array => new Uint8Array();
  expect(store.shards.import({ ...shard, stages: [row], weights })).toBe(true);
  expect(store.shards.import({ ...shard, stages: [row], weights })).toBe(false);
  expect(store.shards.ofStage(stage)).toMatchObject([{ task: 't', provenance: { node: 'n' } }]);
  expect(store.shards.totals(stage)).toMatchObject({ expected: 0 });
  expect([kind, domain]).toEqual([row.kind, row.domain]);
  store.close();
});
