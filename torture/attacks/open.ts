import Database from 'better-sqlite3';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DATABASE_NAME, openStore } from '../../src/main/store/store.ts';
import { MIGRATIONS } from '../../src/main/store/migrations/index.ts';
import { APPLICATION_ID } from '../../src/main/store/migrate.ts';
import { certificatesOf } from '../../test/store/certificates.ts';
import { emptyFolder } from '../../test/workbench/tinyExperiment.ts';
import type { Attack, Tally } from '../attack.ts';
import { start } from '../child.ts';
import { Random } from '../random.ts';

const LATEST = MIGRATIONS.length;
const INSTANCES = 5;

export const open: Attack = {
  name: 'open',
  title: 'opening databases of every earlier schema, of newer ones, and locked ones',
  count: 40,
  async run({ seed, count }, tally) {
    const random = new Random(seed, 'open');
    for (let i = 0; i < count; i++) {
      for (let version = 1; version < LATEST; version++) older(version, tally);
      newer(random, tally);
    }
    for (let i = 0; i < Math.ceil(count / 8); i++) {
      await locked(1500, tally);
      await locked(null, tally);
      await migratedByTwo(tally);
    }
  },
};

/** A database as a program of that version left it, with rows in it. */
function databaseOf(version: number): string {
  const folder = emptyFolder();
  const now = emptyFolder();
  const store = openStore(now);
  const run = store.runs.create({
    name: 'old',
    config: { name: 'old', certification: { sigma: 0.25 } },
    environment: {},
  });
  const stage = store.stages.ensureStage({
    ...{ key: 'a'.repeat(64), kind: 'certification', domain: 'target', headLabel: '1-layer wn', inputs: {} },
  });
  store.stages.link(run.id, stage.id, 0);
  for (let index = 0; index < INSTANCES; index++) store.results.commitInstance(stage.id, certificatesOf(index));
  store.runs.finish(run.id, 1);
  store.close();
  openStore(folder, { migrations: MIGRATIONS.slice(0, version) }).close();
  const db = new Database(path.join(folder, DATABASE_NAME));
  db.exec(`ATTACH '${path.join(now, DATABASE_NAME)}' AS now`);
  db.pragma('foreign_keys = OFF');
  const tables = db
    .prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .pluck()
    .all() as string[];
  for (const table of tables) {
    const columns = (
      db.prepare(`SELECT name FROM pragma_table_info('${table}', 'main')`).pluck().all() as string[]
    ).join(', ');
    db.exec(`INSERT INTO main.${table} (${columns}) SELECT ${columns} FROM now.${table}`);
  }
  // Programs of earlier versions knew no seals.
  db.exec(`UPDATE main.certificate_evidence SET scalars = json_remove(scalars, '$."$seal"')`);
  db.close();
  rmSync(now, { recursive: true });
  return folder;
}

/** Version 1 knew no falsified boxes. */
const expectedOf = (version: number, index: number): unknown =>
  certificatesOf(index).map((record) => (version === 1 ? { ...record, falsification: null } : record));

function older(version: number, tally: Tally): void {
  const folder = databaseOf(version);
  const refusal = codeOf(() => openStore(folder, { readonly: true }));
  tally.hold('earlier schema, only read: refused with what to do', refusal === 'older-database', () => refusal);
  const store = openStore(folder);
  const stage = store.stages.findByKey('a'.repeat(64))!;
  for (let index = 0; index < INSTANCES; index++) {
    const isSame = isDeepStrictEqual(store.results.instanceCertificates(stage.id, index), expectedOf(version, index));
    tally.hold('earlier schema: certificates equal after migration', isSame, () => `version ${version}, ${index}`);
  }
  store.close();
  const backup = new Database(path.join(folder, `${DATABASE_NAME}.backup-v${version}`), { readonly: true });
  const counts = backup.prepare('SELECT count(*) FROM certificate').pluck().get();
  const kept =
    backup.pragma('user_version', { simple: true }) === version &&
    backup.pragma('integrity_check', { simple: true }) === 'ok';
  tally.hold(
    'earlier schema: migrated after a whole backup',
    kept && counts === INSTANCES * 5,
    () => `version ${version}`,
  );
  backup.close();
  rmSync(folder, { recursive: true });
}

/** Whatever a later program made of it, it is refused and left as it is. */
function newer(random: Random, tally: Tally): void {
  const folder = emptyFolder();
  const file = path.join(folder, DATABASE_NAME);
  openStore(folder).close();
  const db = new Database(file);
  const version = LATEST + 1 + random.below(100);
  db.pragma(`user_version = ${version}`);
  db.pragma(`application_id = ${APPLICATION_ID}`);
  db.close();
  const copy = emptyFolder();
  cpSync(folder, copy, { recursive: true });
  for (const readonly of [true, false]) {
    const refusal = codeOf(() => openStore(folder, { readonly }));
    tally.hold('newer schema: refused with both versions', refusal === 'newer-database', () => refusal);
  }
  tally.hold('newer schema: nothing added', isDeepStrictEqual(readdirSync(folder), readdirSync(copy)));
  for (const one of [folder, copy]) rmSync(one, { recursive: true });
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'opened';
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}

/** Another process holds the write lock: for less than the five seconds that a host waits, or as long as it waits (null). */
async function locked(milliseconds: number | null, tally: Tally): Promise<void> {
  const folder = emptyFolder();
  openStore(folder).close();
  const holder = start('holdLock.ts', [path.join(folder, DATABASE_NAME), String(milliseconds ?? 600_000)]);
  await holder.line();
  const opener = start('openDatabase.ts', [folder]);
  const [outcome, waited, message = ''] = (await opener.line())!.split('\t');
  if (milliseconds !== null) {
    tally.hold('locked for a while: waits, then opens', outcome === 'opened', () => message);
  } else {
    const named = message.includes(`process ${holder.process.pid} (`) && message.includes('holdLock.ts');
    tally.hold(
      'locked for longer: waits five seconds, then says who',
      outcome === 'locked' && named && Number(waited) >= 4900,
      () => message,
    );
  }
  holder.process.kill('SIGKILL');
  await Promise.all([holder.over, opener.over]);
  rmSync(folder, { recursive: true });
}

/** Two processes find the same old database at once: it is migrated once. */
async function migratedByTwo(tally: Tally): Promise<void> {
  const folder = databaseOf(1);
  const openers = [start('openDatabase.ts', [folder]), start('openDatabase.ts', [folder])];
  const said = await Promise.all(openers.map((one) => one.line()));
  await Promise.all(openers.map((one) => one.over));
  tally.hold(
    'two that migrate at once: both open it',
    said.every((line) => line?.startsWith('opened')),
    () => said.join(' | '),
  );
  const store = openStore(folder, { readonly: true });
  const stage = store.stages.findByKey('a'.repeat(64))!;
  tally.hold('two that migrate at once: rows kept', store.results.certifiedIndices(stage.id).length === INSTANCES);
  store.close();
  rmSync(folder, { recursive: true });
}
