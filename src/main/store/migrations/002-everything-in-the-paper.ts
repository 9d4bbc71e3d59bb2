import type { Migration } from '../migrate.ts';

/** Attacks and searches beside PGD, falsified published rules, and studies. */
export const everythingInThePaper: Migration = {
  version: 2,
  apply(db) {
    db.exec(MORE_STAGE_KINDS);
    db.exec(FALSIFICATIONS);
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
