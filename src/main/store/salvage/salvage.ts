import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { artefactPath, keep, readVerified, writeTemporary } from '../artefactFiles.ts';
import { asWritable, connect, inTransaction, statement, type ReadableDb, type WritableDb } from '../database.ts';
import { DATABASE_NAME } from '../databaseName.ts';
import { StoreError, translating } from '../errors.ts';
import { versionOf } from '../migrate.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import { openDatabase } from '../openDatabase.ts';
import { openResults } from '../results.ts';
import { stageSeals } from '../migrations/005-stage-seals.ts';
import { closeSealed } from '../seal.ts';
import { sealDoneStages } from '../stageSeal.ts';
import { openStore } from '../store.ts';
import { readableRows, withoutNumber } from './readableRows.ts';

export interface SalvagedTable {
  readonly table: string;
  /** Rows that could be read and fit their table. */
  readonly read: number;
  /** Of them, those whose damage, or whose company's, shows, and those that nothing vouches for and a resumed run computes again. */
  readonly leftOut: number;
}

export interface Salvage {
  /** Of the new database. */
  readonly file: string;
  readonly tables: readonly SalvagedTable[];
  /** Test images whose certificates are all there and are what was stored, by their seals. */
  readonly instances: number;
  /** Of them, from before there were seals: they could be read, which is all that is known. */
  readonly unsealedInstances: number;
  /** Test images whose certificates are not whole. */
  readonly lostInstances: number;
  /** Weights and checkpoints, whole by their hash; and those that are not. */
  readonly artefacts: number;
  readonly lostArtefacts: number;
  /** Sentences on what could not be read at all. */
  readonly notes: readonly string[];
}

/**
 * Reads what can be read of a damaged database and writes it to a new one, whose runs can be resumed: what was lost is then computed
 * again. The original and its folder are only read. Kept are runs, stages and training curves as they read, certificates that their seals
 * vouch for, and weights that their hashes do; predictions and attacks have neither and are left out.
 * @param out a folder that is empty or not there
 * @throws StoreError 'missing-database', 'invalid' for an `out` with something in it, 'damaged' when nothing can be read
 */
export function salvage(file: string, out: string): Salvage {
  if (!existsSync(file)) throw new StoreError('missing-database', `salvage ${file}: there is no such file`);
  if (existsSync(out) && readdirSync(out).length > 0) {
    throw new StoreError(
      'invalid',
      `salvage to ${out}: the folder is not empty; choose another, or one that is not there`,
    );
  }
  return translating(`salvage ${file}`, out, () => {
    mkdirSync(out, { recursive: true });
    const copy = join(resolve(out), 'damaged.sqlite');
    try {
      return salvageCopy(copyOf(file, copy), { original: file, out });
    } catch (error) {
      for (const name of readdirSync(out)) rmSync(join(out, name), { recursive: true, force: true });
      throw error;
    } finally {
      for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${copy}${end}`, { force: true });
    }
  });
}

/** With its log, out of which SQLite takes what a crash left in it. */
function copyOf(file: string, copy: string): string {
  copyFileSync(file, copy);
  for (const end of ['-wal', '-journal'])
    if (existsSync(`${file}${end}`)) copyFileSync(`${file}${end}`, `${copy}${end}`);
  return copy;
}

function salvageCopy(copy: string, { original, out }: { original: string; out: string }): Salvage {
  const target = join(out, DATABASE_NAME);
  const { db: damaged, version, notes } = openDamaged(copy);
  const fresh = asWritable(openDatabase(target, { migrations: MIGRATIONS.slice(0, version) }));
  try {
    fresh.pragma('foreign_keys = OFF');
    const read = copyRows(damaged, fresh);
    const counts = inTransaction(fresh, () => {
      const artefacts = copyArtefacts(fresh, join(dirname(original), 'artefacts'), join(out, 'artefacts'));
      dropUnvouched(fresh);
      dropBroken(fresh);
      const instances = dropDamagedInstances(fresh, out);
      reopenStages(fresh);
      if (version >= stageSeals.version) sealDoneStages(fresh);
      return { ...instances, ...artefacts };
    });
    fresh.pragma('foreign_keys = ON');
    const tables = [...read].map(([table, rows]) => ({ table, read: rows, leftOut: rows - countOf(fresh, table) }));
    return { file: target, tables, ...counts, notes };
  } finally {
    damaged.close();
    closeSealed(fresh);
    // Brought to this program's version where it was of an older one.
    if (version < MIGRATIONS.length) openStore(out).close();
  }
}

/** Opens the copy of a damaged database past what SQLite would stop at. @throws StoreError 'damaged' when its first pages are gone */
function openDamaged(copy: string): { db: ReadableDb; version: number; notes: string[] } {
  const db = connect(copy, { readonly: false, busyTimeoutMilliseconds: 0 });
  try {
    // A schema entry that makes no sense is then passed over instead of refusing all.
    db.unsafeMode();
    db.pragma('writable_schema = ON');
    const version = versionOf(db);
    const isOurs = MIGRATIONS.some((migration) => migration.version === version);
    if (tablesOf(db).length === 0) throw new Error('no table can be found in it');
    const notes = isOurs ? [] : [`its version reads ${version}, which is none: it is taken for ${MIGRATIONS.length}`];
    return { db, version: isOurs ? version : MIGRATIONS.length, notes };
  } catch (cause) {
    db.close();
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new StoreError(
      'damaged',
      `salvage: its first page, on which all others depend, cannot be read (${said}); put back a copy (${DATABASE_NAME}.backup-v…)`,
      cause,
    );
  }
}

function tablesOf(db: ReadableDb): string[] {
  const sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
  return statement<{ name: string }>(db, sql)
    .all()
    .map(({ name }) => name);
}

const countOf = (db: ReadableDb, table: string): number =>
  statement<{ n: number }>(db, `SELECT count(*) AS n FROM "${table}"`).get()!.n;

/** How many rows of each table came over. What breaks a rule of its table is damaged. */
function copyRows(damaged: ReadableDb, fresh: WritableDb): Map<string, number> {
  const there = new Set(tablesOf(damaged));
  return inTransaction(
    fresh,
    () =>
      new Map(
        tablesOf(fresh).map((table) => {
          const columns = statement<{ name: string }>(fresh, 'SELECT name FROM pragma_table_info(?)')
            .all(table)
            .map(({ name }) => name);
          const insert = fresh.prepare(
            `INSERT INTO "${table}" (${columns.map((name) => `"${name}"`).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
          );
          const rows = there.has(table) ? readableRows(damaged, table).map(withoutNumber) : [];
          return [
            table,
            rows.filter((row) => isTaken(() => insert.run(...columns.map((name) => row[name] ?? null)))).length,
          ];
        }),
      ),
  );
}

function isTaken(insert: () => unknown): boolean {
  try {
    insert();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && /^SQLITE_(CONSTRAINT|MISMATCH)/.test(String(error.code)))
      return false;
    throw error;
  }
}

/** Files that are what their hash says; the rows of others go. */
function copyArtefacts(db: WritableDb, from: string, to: string): { artefacts: number; lostArtefacts: number } {
  const hashes = statement<{ hash: string }>(db, 'SELECT hash FROM artefact').all();
  let lost = 0;
  for (const { hash } of hashes) {
    try {
      artefactPath(from, hash);
      keep(to, writeTemporary(to, readVerified(from, hash)), hash);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      lost++;
      statement(db, 'DELETE FROM stage_artefact WHERE hash = ?').run(hash);
      statement(db, 'DELETE FROM artefact WHERE hash = ?').run(hash);
    }
  }
  return { artefacts: hashes.length - lost, lostArtefacts: lost };
}

/** What has no seal and no hash, and is computed again or taken again from what has. */
function dropUnvouched(db: WritableDb): void {
  for (const table of ['prediction', 'pgd', 'noise_attack', 'adversarial_search', 'run_figure', 'queue_entry']) {
    if (tablesOf(db).includes(table)) db.exec(`DELETE FROM ${table}`);
  }
  if (versionOf(db) >= 3) db.exec('UPDATE run SET has_figures = 0');
}

/** Rows that refer to lost ones, until none is left. */
function dropBroken(db: WritableDb): void {
  for (;;) {
    const broken = db.pragma('foreign_key_check') as { table: string; rowid: number | null; fkid: number }[];
    if (broken.length === 0) return;
    for (const { table, rowid, fkid } of broken) {
      if (rowid !== null) db.prepare(`DELETE FROM "${table}" WHERE rowid = ?`).run(rowid);
      else deleteOrphans(db, table, fkid);
    }
  }
}

/** In a table without row numbers SQLite does not say which. */
function deleteOrphans(db: WritableDb, table: string, fkid: number): void {
  const key = (
    db.pragma(`foreign_key_list("${table}")`) as { id: number; table: string; from: string; to: string }[]
  ).find(({ id }) => id === fkid)!;
  db.exec(`DELETE FROM "${table}" WHERE "${key.from}" NOT IN (SELECT "${key.to}" FROM "${key.table}")`);
}

type Instances = Pick<Salvage, 'instances' | 'unsealedInstances' | 'lostInstances'>;

/** An instance is whole when it has as many certificates as the others of its stage and each is what its seal says. */
function dropDamagedInstances(db: WritableDb, folder: string): Instances {
  const results = openResults(db, folder);
  const counted = statement<{ stage: number; instance: number; n: number }>(
    db,
    'SELECT stage_id AS stage, dataset_index AS instance, count(*) AS n FROM certificate GROUP BY 1, 2',
  ).all();
  const most = new Map<number, number>();
  for (const { stage, n } of counted) most.set(stage, Math.max(n, most.get(stage) ?? 0));
  const tally = { instances: 0, unsealedInstances: 0, lostInstances: 0 };
  for (const { stage, instance, n } of counted) {
    if (n === most.get(stage) && canBeRead(() => results.instanceCertificates(stage, instance))) {
      tally.instances++;
      if (!isSealed(db, stage, instance)) tally.unsealedInstances++;
    } else {
      tally.lostInstances++;
      deleteInstance(db, stage, instance);
    }
  }
  return tally;
}

function canBeRead(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    // What a damaged value does to the reader of it is any error.
    if (error instanceof Error) return false;
    throw error;
  }
}

const OF_INSTANCE = 'certificate_id IN (SELECT id FROM certificate WHERE stage_id = ? AND dataset_index = ?)';

function isSealed(db: ReadableDb, stage: number, instance: number): boolean {
  const sql = `SELECT count(*) AS n FROM certificate_evidence WHERE ${OF_INSTANCE} AND scalars NOT LIKE '%"$seal"%'`;
  return statement<{ n: number }>(db, sql).get(stage, instance)!.n === 0;
}

function deleteInstance(db: WritableDb, stage: number, instance: number): void {
  for (const table of ['evidence_array', 'certificate_evidence', 'falsification']) {
    if (tablesOf(db).includes(table)) statement(db, `DELETE FROM ${table} WHERE ${OF_INSTANCE}`).run(stage, instance);
  }
  statement(db, 'DELETE FROM certificate WHERE stage_id = ? AND dataset_index = ?').run(stage, instance);
}

/** Whatever stage may lack something is worked off again when its run is resumed, which finds what is there done. */
function reopenStages(db: WritableDb): void {
  db.exec(`
    UPDATE stage SET status = 'pending', metrics = NULL WHERE kind NOT IN ('extractor', 'head');
    UPDATE stage SET status = 'pending' WHERE kind IN ('extractor', 'head')
      AND NOT EXISTS (SELECT 1 FROM stage_artefact WHERE stage_id = stage.id AND role = 'weights');
    UPDATE run SET status = 'interrupted', failure = NULL, finished_at = NULL;
  `);
}
