import Database from 'better-sqlite3';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../../src/main/store/migrations/index.ts';
import { salvage } from '../../src/main/store/salvage/salvage.ts';
import { openStore, type Store } from '../../src/main/store/store.ts';
import { certificatesOf } from './certificates.ts';
import { certificationStage, refusalOf, temporaryFolder } from './fixtures.ts';

/** A stage that is done, with rows in every table, in the folder that a crash left. */
function crashed(): { readonly folder: string; readonly stage: number; readonly db: () => Database.Database } {
  const work = temporaryFolder();
  const store = openStore(work);
  const stage = certificationStage(store);
  fill(store, stage);
  store.stages.setStatus(stage, {
    status: 'done',
    seconds: 1.5,
    metrics: { accuracy: 0.75 },
    environment: { node: 24 },
  });
  const folder = temporaryFolder();
  cpSync(work, folder, { recursive: true, filter: (name) => !name.endsWith('-shm') });
  store.close();
  return { folder, stage, db: () => new Database(join(folder, 'workbench.sqlite')) };
}

function fill(store: Store, stage: number): void {
  store.stages.recordEpoch(stage, {
    epoch: 1,
    trainLoss: NaN,
    validationLoss: null,
    validationAccuracy: 0.5,
    seconds: 2,
  });
  store.artefacts.put(stage, { role: 'weights', kind: 'head', bytes: Uint8Array.of(1, 2, 3) });
  store.results.insertPredictions(stage, [
    { datasetIndex: 3, label: 1, predicted: 1, logits: Float32Array.of(0.1, -0, NaN) },
    { datasetIndex: 7, label: 0, predicted: 1, logits: Float32Array.of(1, 2, 3) },
  ]);
  const broken = {
    label: 1,
    robust: false,
    brokenAtStep: 3,
    perturbation: Float32Array.of(0.5),
    perturbationNorm: 0.5,
  };
  store.results.insertPgd(stage, [
    { datasetIndex: 3, ...broken, zeroGradientShare: 0, lossStart: 1, lossHalf: 2, lossEnd: 1 / 3 },
  ]);
  store.results.insertNoiseAttacks(stage, [
    { datasetIndex: 3, label: 1, robust: true, brokenAtDraw: null, perturbationNorm: null, perturbation: null },
  ]);
  store.results.insertAdversarialSearches(stage, [
    { datasetIndex: 3, label: 1, predicted: 1, representation: null, input: null },
  ]);
  store.results.commitInstance(stage, certificatesOf(3));
}

/** What a flipped bit does: the value changes and no statement was there to take the seal off. */
function change(db: Database.Database, sql: string): void {
  const triggers = db.prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all();
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
  expect(db.prepare(sql).run().changes).toBeGreaterThan(0);
  db.close();
}

describe('a stage that is done', () => {
  it('is read as it was after a crash', () => {
    const { folder, stage } = crashed();
    const store = openStore(folder);
    expect(store.stages.get(stage)).toMatchObject({ status: 'done', metrics: { accuracy: 0.75 } });
    expect(store.results.predictions(stage)).toHaveLength(2);
    store.close();
  });

  it.each([
    ['UPDATE stage SET metrics = \'{"accuracy":0.85}\''],
    ['UPDATE stage SET seconds = 2.5'],
    ['UPDATE epoch SET validation_accuracy = 0.75'],
    ['UPDATE epoch SET train_loss = 0.25'],
    ['UPDATE prediction SET predicted = 0 WHERE dataset_index = 3'],
    ["UPDATE prediction SET logits = x'0000803F0000004000004041' WHERE dataset_index = 7"],
    ['DELETE FROM prediction WHERE dataset_index = 7'],
    ['UPDATE prediction SET dataset_index = 8 WHERE dataset_index = 7'],
    ['UPDATE pgd SET loss_end = 0.3333333333333334'],
    ["UPDATE pgd SET perturbation = x'0000003E'"],
    ['UPDATE noise_attack SET robust = 0, broken_at_draw = 2'],
    ['UPDATE adversarial_search SET predicted = 2'],
    ["UPDATE certificate SET radius_normalised = 9 WHERE method = 'label'"],
    ["UPDATE certificate SET predicted = 4 WHERE rule = 'interval'"],
    ["UPDATE stage_seal SET seal = 'a' || substr(seal, 2), stage_id = stage_id"],
  ])('is refused, and can be salvaged, after %s on the disk', (sql) => {
    const { folder, stage, db } = crashed();
    change(db(), sql);
    const refusal = refusalOf(() => openStore(folder));
    expect(refusal).toMatchObject({ code: 'damaged' });
    expect(refusal.message).toContain(
      `what stage ${stage} found changed on the disk; save what is intact with: ptw salvage`,
    );
    const out = join(temporaryFolder(), 'salvaged');
    expect(salvage(join(folder, 'workbench.sqlite'), out)).toMatchObject({ lostArtefacts: 0 });
    openStore(out).close();
  });

  it('is refused where damage made nonsense of a constraint, by which the check of the structure ends', () => {
    const { folder, db } = crashed();
    const file = join(folder, 'workbench.sqlite');
    // Out of the log into the file, whose bytes are then changed.
    const whole = db();
    whole.pragma('journal_mode = DELETE');
    whole.close();
    const bytes = readFileSync(file);
    for (let at = bytes.indexOf('length(seal)'); at !== -1; at = bytes.indexOf('length(seal)')) bytes[at] ^= 2;
    writeFileSync(file, bytes);
    const refusal = refusalOf(() => openStore(folder));
    expect(refusal).toMatchObject({ code: 'damaged' });
    expect(refusal.message).toContain('it is damaged (unknown function: nength()); save what is intact with');
  });

  it('may be changed by whoever writes to it, who takes the seal off, and is sealed again when it is done again', () => {
    const { folder, stage } = crashed();
    const store = openStore(folder);
    const record = { datasetIndex: 9, label: 1, predicted: 1, logits: Float32Array.of(4, 5, 6) };
    const seals = (): unknown[] => {
      const db = new Database(join(folder, 'workbench.sqlite'), { readonly: true });
      const rows = db.prepare('SELECT seal FROM stage_seal').pluck().all();
      db.close();
      return rows;
    };
    const [first] = seals();
    expect(store.results.insertPredictions(stage, [record])).toBe(1);
    expect(seals()).toEqual([]);
    store.stages.setStatus(stage, { status: 'done' });
    expect(seals()).toEqual([expect.not.stringMatching(String(first))]);
    store.stages.setStatus(stage, { status: 'pending' });
    expect(seals()).toEqual([]);
    store.close();
  });

  it('of an earlier version is sealed when its database is migrated', () => {
    const folder = temporaryFolder();
    openStore(folder, { migrations: MIGRATIONS.slice(0, 4) }).close();
    const old = new Database(join(folder, 'workbench.sqlite'));
    old.exec(
      `INSERT INTO stage (key, kind, inputs, status) VALUES ('${'a'.repeat(64)}', 'extractor', '{}', 'done'), ('${'b'.repeat(64)}', 'extractor', '{}', 'running')`,
    );
    old.close();
    openStore(folder).close();
    const db = new Database(join(folder, 'workbench.sqlite'), { readonly: true });
    expect(db.prepare('SELECT stage_id FROM stage_seal').pluck().all()).toEqual([1]);
    db.close();
  });
});
