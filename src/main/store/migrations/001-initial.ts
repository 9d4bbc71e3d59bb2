import type { Migration } from '../migrate.ts';

/**
 * Columns of type ANY hold numbers exactly (../exactValues.ts). Rule '' is "no rule": a NULL would not take part in the
 * unique key. Evidence has tables of its own, so that lists and counts never page through arrays.
 */
export const initial: Migration = {
  version: 1,
  apply(db) {
    db.exec(RUNS);
    db.exec(ARTEFACTS);
    db.exec(EVALUATIONS);
    db.exec(CERTIFICATES);
  },
};

const RUNS = `
CREATE TABLE run (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  config TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('running', 'interrupted', 'failed', 'done')),
  failure TEXT,
  environment TEXT NOT NULL,
  created_at TEXT NOT NULL,
  finished_at TEXT,
  seconds ANY,
  owner_pid INTEGER NOT NULL,
  owner_start_token TEXT NOT NULL,
  CHECK ((status = 'failed') = (failure IS NOT NULL))
) STRICT;
CREATE INDEX run_by_status ON run (status);

CREATE TABLE stage (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
  kind TEXT NOT NULL CHECK (kind IN ('extractor', 'head', 'prediction', 'pgd', 'certification')),
  domain TEXT CHECK (domain IN ('source', 'target')),
  head_label TEXT,
  inputs TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'done', 'failed')),
  metrics TEXT,
  environment TEXT,
  seconds ANY
) STRICT;
CREATE INDEX stage_by_status ON stage (status);

CREATE TABLE run_stage (
  run_id INTEGER NOT NULL REFERENCES run (id),
  stage_id INTEGER NOT NULL REFERENCES stage (id),
  position INTEGER NOT NULL,
  PRIMARY KEY (run_id, stage_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_stage_by_stage ON run_stage (stage_id);

CREATE TABLE epoch (
  stage_id INTEGER NOT NULL REFERENCES stage (id),
  epoch INTEGER NOT NULL,
  train_loss ANY NOT NULL,
  validation_loss ANY,
  validation_accuracy ANY,
  seconds ANY NOT NULL,
  PRIMARY KEY (stage_id, epoch)
) STRICT, WITHOUT ROWID;
`;

const ARTEFACTS = `
CREATE TABLE artefact (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  kind TEXT NOT NULL,
  bytes INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE stage_artefact (
  stage_id INTEGER NOT NULL REFERENCES stage (id),
  role TEXT NOT NULL CHECK (role IN ('weights', 'checkpoint')),
  hash TEXT NOT NULL REFERENCES artefact (hash),
  PRIMARY KEY (stage_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX stage_artefact_by_hash ON stage_artefact (hash);
`;

const EVALUATIONS = `
CREATE TABLE prediction (
  stage_id INTEGER NOT NULL REFERENCES stage (id),
  dataset_index INTEGER NOT NULL,
  label INTEGER NOT NULL,
  predicted INTEGER NOT NULL,
  logits BLOB NOT NULL,
  PRIMARY KEY (stage_id, dataset_index)
) STRICT;

CREATE TABLE pgd (
  stage_id INTEGER NOT NULL REFERENCES stage (id),
  dataset_index INTEGER NOT NULL,
  label INTEGER NOT NULL,
  robust INTEGER NOT NULL CHECK (robust IN (0, 1)),
  broken_at_step INTEGER,
  perturbation_norm ANY,
  perturbation BLOB,
  zero_gradient_share ANY NOT NULL,
  PRIMARY KEY (stage_id, dataset_index)
) STRICT;
`;

const CERTIFICATES = `
CREATE TABLE certificate (
  id INTEGER PRIMARY KEY,
  stage_id INTEGER NOT NULL REFERENCES stage (id),
  dataset_index INTEGER NOT NULL,
  label INTEGER NOT NULL,
  method TEXT NOT NULL CHECK (method IN ('label', 'representation', 'logit', 'pairwise')),
  rule TEXT NOT NULL CHECK ((rule <> '') = (method = 'representation')),
  soundness TEXT NOT NULL CHECK (soundness IN ('proved', 'published-rule')),
  outcome TEXT NOT NULL CHECK (outcome IN ('certified', 'abstained')),
  predicted INTEGER NOT NULL,
  reason TEXT,
  radius_normalised ANY CHECK (typeof(radius_normalised) <> 'text' AND radius_normalised >= 0),
  radius_pixels ANY CHECK (typeof(radius_pixels) <> 'text' AND radius_pixels >= 0),
  median_prediction INTEGER,
  CHECK ((outcome = 'abstained') = (reason IS NOT NULL)),
  CHECK ((outcome = 'certified') = (radius_normalised IS NOT NULL)),
  CHECK ((radius_normalised IS NULL) = (radius_pixels IS NULL)),
  UNIQUE (stage_id, dataset_index, method, rule)
) STRICT;
CREATE INDEX certificate_by_verdict
  ON certificate (stage_id, method, rule, outcome, label, predicted, median_prediction, radius_normalised);

CREATE TABLE certificate_evidence (
  certificate_id INTEGER PRIMARY KEY REFERENCES certificate (id),
  scalars TEXT NOT NULL
) STRICT;

CREATE TABLE evidence_array (
  id INTEGER PRIMARY KEY,
  certificate_id INTEGER NOT NULL REFERENCES certificate (id),
  name TEXT NOT NULL,
  dtype TEXT NOT NULL CHECK (dtype IN ('int32', 'float32', 'float64')),
  shape TEXT NOT NULL,
  data BLOB,
  same_data_as INTEGER REFERENCES evidence_array (id),
  CHECK ((data IS NULL) = (same_data_as IS NOT NULL)),
  UNIQUE (certificate_id, name)
) STRICT;
`;
