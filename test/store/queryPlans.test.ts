import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connect, type ReadableDb } from '../../src/main/store/database.ts';
import { openStore } from '../../src/main/store/store.ts';
import { ARTEFACT_BY_HASH, UNREFERENCED_ARTEFACTS } from '../../src/main/store/tables/artefact.ts';
import { ADVERSARIAL_SEARCHES_OF_STAGE, SEARCHED_INDICES } from '../../src/main/store/tables/adversarialSearch.ts';
import * as certificate from '../../src/main/store/tables/certificate.ts';
import { EPOCHS_OF_STAGE } from '../../src/main/store/tables/epoch.ts';
import { ARRAYS_OF_CERTIFICATE } from '../../src/main/store/tables/evidenceArray.ts';
import { FALSIFICATION_COUNTS, FALSIFICATION_OF_CERTIFICATE } from '../../src/main/store/tables/falsification.ts';
import { LAUNCH_BY_NAME, LAUNCHES_OF_STUDY } from '../../src/main/store/tables/launch.ts';
import { NOISE_ATTACKED_INDICES, NOISE_ATTACKS_OF_STAGE } from '../../src/main/store/tables/noiseAttack.ts';
import { ATTACKED_INDICES, PGD_OF_STAGE } from '../../src/main/store/tables/pgd.ts';
import { PREDICTIONS_OF_STAGE } from '../../src/main/store/tables/prediction.ts';
import { QUEUED_RUN, QUEUED_STUDY } from '../../src/main/store/tables/queueEntry.ts';
import { LOG_OF_RUN } from '../../src/main/store/tables/runLog.ts';
import { RUNNING_RUNS } from '../../src/main/store/tables/run.ts';
import { CERTIFICATE_COUNTS, STAGE_COUNTS, STAGES_OF_RUN } from '../../src/main/store/tables/runStage.ts';
import { ABANDONED_STAGES, STAGE_BY_KEY } from '../../src/main/store/tables/stage.ts';
import { DONE_STAGES } from '../../src/main/store/tables/stageSeal.ts';
import { CERTIFICATES_IN_STAGE, RUNS_OF_STAGE } from '../../src/main/store/tables/runDeletion.ts';
import { RUNS_WITHOUT_FIGURES } from '../../src/main/store/tables/runFigure.ts';
import { NEXT_FIGURE, NEXT_KEY, UNARCHIVED_RUNS, VALUES_OF_KEY } from '../../src/main/store/tables/runList.ts';
import { TAG_COUNTS, TAGS_OF_RUN } from '../../src/main/store/tables/runOrganisation.ts';
import { RUNS_OF_STUDY, STUDIES_OF_RUN } from '../../src/main/store/tables/studyRun.ts';
import { ARTEFACTS_OF_STAGE, STAGES_OF_ARTEFACT } from '../../src/main/store/tables/stageArtefact.ts';
import { SHARD_BY_HASH, SHARD_HASHES, SHARDS_OF_STAGE } from '../../src/main/store/tables/shard.ts';
import { temporaryFolder } from './fixtures.ts';

/** What SQLite asks itself for each array that is deleted. */
const ARRAYS_WITH_DATA_OF = 'SELECT id FROM evidence_array WHERE same_data_as = ?';
/** The same for each shard. */
const STAGES_OF_SHARD = 'SELECT stage_id FROM shard_stage WHERE shard_hash = ?';
const OF_CERTIFICATES = 'sqlite_autoindex_certificate_1 (stage_id=?';

/** Each query with what its plan must say; every index of the schema serves one of them. */
const CASES: readonly (readonly [name: string, sql: string, uses: string])[] = [
  ['running runs', RUNNING_RUNS, 'INDEX run_by_status (status=?)'],
  ['a queued run', QUEUED_RUN, 'INDEX queue_entry_by_run (run_id=?)'],
  ['a queued study', QUEUED_STUDY, 'INDEX queue_entry_by_study (study_id=?)'],
  ['the log of a run', LOG_OF_RUN, 'INDEX run_log_by_run (run_id=? AND id<?)'],
  ['runs that are not archived, as they are listed', UNARCHIVED_RUNS, 'COVERING INDEX run_by_place (archived=?)'],
  ['runs without figures', RUNS_WITHOUT_FIGURES, 'COVERING INDEX run_without_figures'],
  ['tags', TAG_COUNTS, 'COVERING INDEX run_tag_by_tag'],
  ['tags of a run', TAGS_OF_RUN, 'SEARCH run_tag USING PRIMARY KEY (run_id=?)'],
  ['the next config key', NEXT_KEY, 'COVERING INDEX run_value_by_value (key>?)'],
  ['values of a config key', VALUES_OF_KEY, 'INDEX run_value_by_value (key=?)'],
  ['the next figure', NEXT_FIGURE, 'COVERING INDEX run_figure_by_name (name>?)'],
  ['runs that share a stage', RUNS_OF_STAGE, 'INDEX run_stage_by_stage (stage_id=?)'],
  ['certificates of a stage in number', CERTIFICATES_IN_STAGE, 'COVERING INDEX certificate_by_verdict (stage_id=?)'],
  ['stages that hold an artefact', STAGES_OF_ARTEFACT, 'INDEX stage_artefact_by_hash (hash=?)'],
  [
    'arrays that share data, which a deletion looks for',
    ARRAYS_WITH_DATA_OF,
    'INDEX evidence_array_by_same_data (same_data_as=?)',
  ],
  ['a stage by its key', STAGE_BY_KEY, 'INDEX sqlite_autoindex_stage_1 (key=?)'],
  ['stages that are done', DONE_STAGES, 'INDEX stage_by_status (status=?)'],
  ['running stages', ABANDONED_STAGES, 'INDEX stage_by_status (status=?)'],
  ['runs of a stage', ABANDONED_STAGES, 'INDEX run_stage_by_stage (stage_id=?)'],
  ['stages of a run', STAGES_OF_RUN, 'SEARCH run_stage USING PRIMARY KEY (run_id=?)'],
  ['stage counts of a run', STAGE_COUNTS, 'SEARCH run_stage USING PRIMARY KEY (run_id=?)'],
  ['certificate counts of a run', CERTIFICATE_COUNTS, 'COVERING INDEX certificate_by_verdict (stage_id=?)'],
  ['epochs of a stage', EPOCHS_OF_STAGE, 'SEARCH epoch USING PRIMARY KEY (stage_id=?)'],
  ['an artefact', ARTEFACT_BY_HASH, 'SEARCH artefact USING PRIMARY KEY (hash=?)'],
  ['stages of an artefact', UNREFERENCED_ARTEFACTS, 'INDEX stage_artefact_by_hash (hash=?)'],
  ['artefacts of a stage', ARTEFACTS_OF_STAGE, 'SEARCH stage_artefact USING PRIMARY KEY (stage_id=?)'],
  ['runs of a study', RUNS_OF_STUDY, 'SEARCH study_run USING PRIMARY KEY (study_id=?)'],
  ['studies of a run', STUDIES_OF_RUN, 'COVERING INDEX study_run_by_run (run_id=?)'],
  ['predictions', PREDICTIONS_OF_STAGE, 'INDEX sqlite_autoindex_prediction_1 (stage_id=?)'],
  ['PGD results', PGD_OF_STAGE, 'INDEX sqlite_autoindex_pgd_1 (stage_id=?)'],
  ['attacked indices', ATTACKED_INDICES, 'COVERING INDEX sqlite_autoindex_pgd_1 (stage_id=?)'],
  ['noise attacks', NOISE_ATTACKS_OF_STAGE, 'INDEX sqlite_autoindex_noise_attack_1 (stage_id=?)'],
  ['noise-attacked indices', NOISE_ATTACKED_INDICES, 'COVERING INDEX sqlite_autoindex_noise_attack_1 (stage_id=?)'],
  ['searches', ADVERSARIAL_SEARCHES_OF_STAGE, 'INDEX sqlite_autoindex_adversarial_search_1 (stage_id=?)'],
  ['searched indices', SEARCHED_INDICES, 'COVERING INDEX sqlite_autoindex_adversarial_search_1 (stage_id=?)'],
  [
    'certificates of an instance',
    certificate.CERTIFICATES_OF_INSTANCE,
    `INDEX ${OF_CERTIFICATES} AND dataset_index=?)`,
  ],
  ['certificates of a stage', certificate.CERTIFICATES_OF_STAGE, `INDEX ${OF_CERTIFICATES})`],
  ['the next certified index', certificate.NEXT_INDEX, `COVERING INDEX ${OF_CERTIFICATES} AND dataset_index>?)`],
  ['certified indices', certificate.CERTIFIED_INDICES, `COVERING INDEX ${OF_CERTIFICATES})`],
  ['summary', certificate.SUMMARY, 'COVERING INDEX certificate_by_verdict (stage_id=?)'],
  [
    'certified radii',
    certificate.CERTIFIED_RADII,
    'INDEX certificate_by_verdict (stage_id=? AND method=? AND rule=? AND outcome=?)',
  ],
  ['proved radii', certificate.PROVED_RADII, `INDEX ${OF_CERTIFICATES})`],
  ['arrays of a certificate', ARRAYS_OF_CERTIFICATE, 'INDEX sqlite_autoindex_evidence_array_1 (certificate_id=?)'],
  ['boxes searched', FALSIFICATION_OF_CERTIFICATE, 'INDEX sqlite_autoindex_falsification_1 (certificate_id=?)'],
  ['a launch by its name', LAUNCH_BY_NAME, 'INDEX sqlite_autoindex_launch_1 (name=?)'],
  ['launches of a study', LAUNCHES_OF_STUDY, 'INDEX launch_by_study (study_id=?)'],
  ['a shard', SHARD_BY_HASH, 'SEARCH shard USING PRIMARY KEY (hash=?)'],
  ['shards of a launch', SHARD_HASHES, 'INDEX shard_by_launch (launch=?)'],
  ['shards of a stage', SHARDS_OF_STAGE, 'SEARCH shard_stage USING PRIMARY KEY (stage_id=?)'],
  ['what a forgotten shard held', STAGES_OF_SHARD, 'INDEX shard_stage_by_shard (shard_hash=?)'],
  ['falsified certificates', FALSIFICATION_COUNTS, 'INDEX sqlite_autoindex_falsification_1 (certificate_id=?)'],
];

/** These sort the few rows of one certificate, instance, run or stage; the rest must come in order from their index. */
const MAY_SORT = new Set([ARRAYS_OF_CERTIFICATE, certificate.CERTIFICATES_OF_INSTANCE, STAGES_OF_RUN, SHARDS_OF_STAGE]);

function openSchema(): ReadableDb {
  const folder = temporaryFolder();
  openStore(folder).close();
  return connect(join(folder, 'workbench.sqlite'), { readonly: true, busyTimeoutMilliseconds: 0 });
}

describe('query plans', () => {
  it.each(CASES)('%s', (_name, sql, uses) => {
    const plan = openSchema().prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
    const details = plan.all(...Array<number>(sql.split('?').length - 1).fill(1)).map(({ detail }) => detail);
    expect(details.join('\n')).toContain(uses);
    if (!MAY_SORT.has(sql)) expect(details.join('\n')).not.toContain('TEMP B-TREE');
  });

  it('cover every index there is', () => {
    const rows = openSchema().prepare(
      `SELECT l.name FROM sqlite_schema AS t JOIN pragma_index_list(t.name) AS l WHERE t.type = 'table' AND
       NOT (l.origin = 'pk' AND l.name IN (SELECT l.name FROM pragma_table_list(t.name) WHERE wr = 1))`,
    );
    const names = rows.pluck().all() as string[];
    expect(names.length).toBeGreaterThan(8);
    expect(names.filter((name) => !CASES.some(([, , uses]) => `${uses} `.includes(`INDEX ${name} `)))).toEqual([]);
  });
});
