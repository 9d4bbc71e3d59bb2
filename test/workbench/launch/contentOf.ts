import { join } from 'node:path';
import { connect, type ReadableDb } from '../../../src/main/store/database.ts';
import { DATABASE_NAME } from '../../../src/main/store/store.ts';

type Row = Readonly<Record<string, unknown>>;

/** Columns that say when, how long, on what, or under which row number. */
const IGNORED = new Set([
  'id',
  'stage_id',
  'run_id',
  'study_id',
  'certificate_id',
  'same_data_as',
  'seconds',
  'environment',
  'created_at',
  'finished_at',
  'owner_pid',
  'owner_start_token',
]);

/**
 * All that a database holds of studies, runs, stages and results, but for timings, provenance and row numbers: rows of results stand under
 * the key of their stage, arrays under their certificate with their bytes.
 */
export function contentOf(folder: string): unknown {
  const db = connect(join(folder, DATABASE_NAME), { readonly: true, busyTimeoutMilliseconds: 5000 });
  try {
    return {
      studies: rows(db, 'SELECT name, config FROM study ORDER BY name'),
      runs: rows(
        db,
        `SELECT study.name AS study, study_run.position, run.* FROM study_run JOIN run ON run.id = run_id JOIN study ON study.id = study_id
         ORDER BY study.name, study_run.position`,
      ),
      figures: rows(
        db,
        `SELECT run.name AS run, run_figure.name, value FROM run_figure JOIN run ON run.id = run_id
         WHERE run_figure.name NOT LIKE 'engine /%' ORDER BY 1, 2`,
      ),
      runStages: rows(
        db,
        `SELECT run.name, run_stage.position, stage.key FROM run_stage JOIN run ON run.id = run_id JOIN stage ON stage.id = stage_id
         ORDER BY run.name, run_stage.position`,
      ),
      stages: rows(db, 'SELECT * FROM stage ORDER BY key').map((stage) => contentOfStage(db, stage)),
    };
  } finally {
    db.close();
  }
}

function contentOfStage(db: ReadableDb, stage: Row): Row {
  const of = (sql: string): Row[] => rows(db, sql, stage['key']);
  const STAGE = 'stage_id = (SELECT id FROM stage WHERE key = ?)';
  return {
    ...stage,
    epochs: of(`SELECT * FROM epoch WHERE ${STAGE} ORDER BY epoch`),
    artefacts: of(`SELECT role, hash FROM stage_artefact WHERE ${STAGE} ORDER BY role`),
    predictions: of(`SELECT * FROM prediction WHERE ${STAGE} ORDER BY dataset_index`),
    pgd: of(`SELECT * FROM pgd WHERE ${STAGE} ORDER BY dataset_index`),
    noise: of(`SELECT * FROM noise_attack WHERE ${STAGE} ORDER BY dataset_index`),
    searches: of(`SELECT * FROM adversarial_search WHERE ${STAGE} ORDER BY dataset_index`),
    certificates: of(
      `SELECT certificate.*, scalars FROM certificate JOIN certificate_evidence ON certificate_id = certificate.id
       WHERE ${STAGE} ORDER BY dataset_index, method, rule`,
    ),
    arrays: of(
      `SELECT dataset_index, method, rule, own.name, own.dtype, own.shape, ifnull(own.data, other.data) AS data
       FROM certificate JOIN evidence_array AS own ON own.certificate_id = certificate.id
       LEFT JOIN evidence_array AS other ON other.id = own.same_data_as
       WHERE ${STAGE} ORDER BY dataset_index, method, rule, own.name`,
    ),
    falsifications: of(
      `SELECT dataset_index, method, rule, falsification.* FROM certificate JOIN falsification ON certificate_id = certificate.id
       WHERE ${STAGE} ORDER BY dataset_index, method, rule, box`,
    ),
  };
}

function rows(db: ReadableDb, sql: string, ...parameters: unknown[]): Row[] {
  return db
    .prepare<unknown[], Row>(sql)
    .all(...parameters)
    .map((row) =>
      Object.fromEntries(
        Object.entries(row)
          .filter(([name]) => !IGNORED.has(name))
          .map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString('base64') : value]),
      ),
    );
}
