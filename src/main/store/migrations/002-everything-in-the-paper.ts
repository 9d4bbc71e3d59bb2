import type { Migration } from '../migrate.ts';

/** Attacks and searches beside PGD, falsified published rules, and studies. */
export const everythingInThePaper: Migration = {
  version: 2,
  apply(db) {
    db.exec(MORE_STAGE_KINDS);
    db.exec(STUDIES);
  },
};

/** SQLite cannot change a CHECK, so the table is made anew under its name; those that refer to it by name go on doing so. */
const MORE_STAGE_KINDS = `
CREATE TABLE stage_of_version_2 (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
  kind TEXT NOT NULL CHECK (kind IN
    ('extractor', 'head', 'prediction', 'pgd', 'noise-attack', 'adversarial-search', 'certification')),
  domain TEXT CHECK (domain IN ('source', 'target')),
  head_label TEXT,
  inputs TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'done', 'failed')),
  metrics TEXT,
  environment TEXT,
  seconds ANY
) STRICT;
INSERT INTO stage_of_version_2 SELECT id, key, kind, domain, head_label, inputs, status, metrics, environment, seconds FROM stage;
DROP TABLE stage;
ALTER TABLE stage_of_version_2 RENAME TO stage;
CREATE INDEX stage_by_status ON stage (status);
`;

const STUDIES = `
CREATE TABLE study (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  config TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE study_run (
  study_id INTEGER NOT NULL REFERENCES study (id),
  position INTEGER NOT NULL,
  run_id INTEGER NOT NULL REFERENCES run (id),
  PRIMARY KEY (study_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX study_run_by_run ON study_run (run_id);
`;
