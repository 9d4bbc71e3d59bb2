import type { Migration } from '../migrate.ts';
import { statement } from '../database.ts';
import { insertRunValues } from '../tables/runValue.ts';
import { backfillMargins } from './003-margins.ts';

/** What the workbench's views and its queue keep: entries waiting, logs, a run's organisation, and what lists are sorted by. */
export const workbench: Migration = {
  version: 3,
  apply(db) {
    db.exec(QUEUE);
    db.exec(ORGANISATION);
    db.exec(CERTIFICATE_LISTS);
    for (const { id } of statement<{ id: number }>(db, 'SELECT id FROM run').all()) insertRunValues(db, id);
    backfillMargins(db);
  },
};

/**
 * What waits to be worked off, in order of position. An entry goes when its work has a run of its own; a run keeps the
 * lines it logged.
 */
const QUEUE = `
CREATE TABLE queue_entry (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  position ANY NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('run', 'resume', 'study')),
  name TEXT NOT NULL,
  config TEXT,
  run_id INTEGER REFERENCES run (id) ON DELETE CASCADE,
  study_id INTEGER REFERENCES study (id),
  created_at TEXT NOT NULL,
  CHECK ((kind = 'run') = (config IS NOT NULL)),
  CHECK ((kind = 'resume') = (run_id IS NOT NULL)),
  CHECK ((kind = 'study') = (study_id IS NOT NULL))
) STRICT;
CREATE INDEX queue_entry_by_run ON queue_entry (run_id);
CREATE INDEX queue_entry_by_study ON queue_entry (study_id);

CREATE TABLE run_log (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  at TEXT NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
  text TEXT NOT NULL
) STRICT;
CREATE INDEX run_log_by_run ON run_log (run_id, id);
`;

/**
 * run_value holds a run's config leaf by leaf ("certification.sigma", "heads[0].constraint"), run_figure its results by name, so
 * that lists are filtered, sorted and grouped by either in SQL.
 */
const ORGANISATION = `
ALTER TABLE run ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1));
ALTER TABLE run ADD COLUMN archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1));
ALTER TABLE run ADD COLUMN has_figures INTEGER NOT NULL DEFAULT 0 CHECK (has_figures IN (0, 1));
CREATE INDEX run_by_place ON run (archived, pinned DESC, id DESC);
CREATE INDEX run_without_figures ON run (status) WHERE has_figures = 0;

CREATE TABLE run_tag (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  PRIMARY KEY (run_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_tag_by_tag ON run_tag (tag);

CREATE TABLE run_value (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value ANY,
  PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_value_by_value ON run_value (key, value);

CREATE TABLE run_figure (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value ANY,
  PRIMARY KEY (run_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_figure_by_name ON run_figure (name);
`;

/**
 * margin is the proved lower bound of the smallest margin, in logits, that a representation or logit certificate turned on;
 * NULL for methods that count votes.
 */
const CERTIFICATE_LISTS = `
ALTER TABLE certificate ADD COLUMN margin ANY;
CREATE INDEX evidence_array_by_same_data ON evidence_array (same_data_as) WHERE same_data_as IS NOT NULL;
`;
