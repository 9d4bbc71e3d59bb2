import { createHash } from 'node:crypto';
import { statement, type ReadableDb, type WritableDb } from './database.ts';
import { StoreError } from './errors.ts';
import { deleteStageSeals, selectDoneStages, selectStageSeals, upsertStageSeal } from './tables/stageSeal.ts';

/** Tables with a stage's rows, and what orders them. Evidence has seals of its own (recordSeal.ts). */
const TABLES = {
  epoch: 'epoch',
  prediction: 'dataset_index',
  pgd: 'dataset_index',
  noise_attack: 'dataset_index',
  adversarial_search: 'dataset_index',
  certificate: 'dataset_index, method, rule',
  stage_artefact: 'role',
} as const;

/** Seals a stage as it is now: until one of its rows changes, which takes the seal off. */
export function sealStage(db: WritableDb, stageId: number): void {
  upsertStageSeal(db, { stageId, seal: sealer(db)(stageId) });
}

/** Every stage that is done, as it is now: after a migration, which may have changed what rows are made of. */
export function sealDoneStages(db: WritableDb): void {
  deleteStageSeals(db);
  const sealOf = sealer(db);
  for (const stageId of selectDoneStages(db)) upsertStageSeal(db, { stageId, seal: sealOf(stageId) });
}

/** @throws StoreError 'damaged' when a sealed stage is not what was sealed; does nothing in a database from before there were seals */
export function requireStagesIntact(db: ReadableDb): void {
  // In one snapshot: others may be writing.
  db.exec('BEGIN');
  try {
    if (!hasSeals(db)) return;
    const sealOf = sealer(db);
    const changed = selectStageSeals(db).find(({ stageId, seal }) => sealOf(stageId) !== seal);
    if (changed === undefined) return;
    throw new StoreError(
      'damaged',
      `open ${db.name}: what stage ${changed.stageId} found changed on the disk; save what is intact with: ptw salvage ${db.name} --out <folder>`,
    );
  } finally {
    db.exec('ROLLBACK');
  }
}

const hasSeals = (db: ReadableDb): boolean =>
  statement<{ n: number }>(db, "SELECT count(*) AS n FROM sqlite_schema WHERE name = 'stage_seal'").get()!.n > 0;

/** 128 bits of the SHA-256 of all rows of a stage, with the names and types of their values. The columns are asked for once. */
function sealer(db: ReadableDb): (stageId: number) => string {
  const stage = statement<Row>(db, `SELECT ${literals(db, 'stage')} AS row FROM stage WHERE id = ?`);
  const tables = Object.entries(TABLES).map(([table, order]) => {
    const sql = `SELECT ${literals(db, table)} AS row FROM ${table} WHERE stage_id = ? ORDER BY ${order}`;
    return { table, rows: statement<Row>(db, sql) };
  });
  return (stageId) => {
    const hash = createHash('sha256');
    feed(hash, stage.all(stageId));
    for (const { table, rows } of tables) {
      hash.update(`${table}\n`);
      feed(hash, rows.iterate(stageId));
    }
    return hash.digest('hex').slice(0, 32);
  };
}

interface Row {
  readonly row: string;
}

/** As SQL would write the values of a row: exact for every type, and no two rows alike. */
function literals(db: ReadableDb, table: string): string {
  const columns = statement<{ name: string }>(db, 'SELECT name FROM pragma_table_info(?)').all(table);
  return columns.map(({ name }) => `'${name}=' || quote("${name}")`).join(` || ',' || `);
}

function feed(hash: ReturnType<typeof createHash>, rows: Iterable<Row>): void {
  for (const { row } of rows) hash.update(`${row}\n`);
}
