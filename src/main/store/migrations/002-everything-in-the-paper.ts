import type { Migration } from '../migrate.ts';

/** Attacks and searches beside PGD, falsified published rules, and studies. */
export const everythingInThePaper: Migration = {
  version: 2,
  apply(db) {
    db.exec(MORE_STAGE_KINDS);
    db.exec(ATTACKS);
    db.exec(FALSIFICATIONS);
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

/** Losses of PGD are log-odds against the label; NULL where the attack did not come so far, and in rows of version 1. */
const ATTACKS = `
ALTER TABLE pgd ADD COLUMN loss_start ANY;
ALTER TABLE pgd ADD COLUMN loss_half ANY;
ALTER TABLE pgd ADD COLUMN loss_end ANY;

CREATE TABLE noise_attack (
  stage_id INTEGER NOT NULL REFERENCES stage (id),
  dataset_index INTEGER NOT NULL,
  label INTEGER NOT NULL,
  robust INTEGER NOT NULL CHECK (robust IN (0, 1)),
  broken_at_draw INTEGER,
  perturbation_norm ANY,
  perturbation BLOB,
  PRIMARY KEY (stage_id, dataset_index),
  CHECK ((robust = 0) = (broken_at_draw IS NOT NULL))
) STRICT;

CREATE TABLE adversarial_search (
  stage_id INTEGER NOT NULL REFERENCES stage (id),
  dataset_index INTEGER NOT NULL,
  label INTEGER NOT NULL,
  predicted INTEGER NOT NULL,
  representation_class INTEGER,
  representation_distance_l2 ANY,
  representation_distance_linf ANY,
  representation BLOB,
  input_found INTEGER CHECK (input_found IN (0, 1)),
  input_class INTEGER,
  input_steps INTEGER,
  input_distance_l2 ANY,
  input_distance_linf ANY,
  input_representation_distance_linf ANY,
  input_perturbation BLOB,
  PRIMARY KEY (stage_id, dataset_index)
) STRICT;
`;

/**
 * One row for each box that was searched for a point with another prediction: that of the certificate's radius, and the
 * smallest, on which the certificate at radius 0 rests. Without a point none was found.
 */
const FALSIFICATIONS = `
CREATE TABLE falsification (
  certificate_id INTEGER NOT NULL REFERENCES certificate (id),
  box TEXT NOT NULL CHECK (box IN ('radius', 'smallest')),
  k INTEGER,
  rival INTEGER,
  margin_upper ANY,
  point BLOB,
  PRIMARY KEY (certificate_id, box),
  CHECK ((point IS NULL) = (k IS NULL)),
  CHECK ((point IS NULL) = (rival IS NULL)),
  CHECK ((point IS NULL) = (margin_upper IS NULL))
) STRICT;
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
