import type { Migration } from '../migrate.ts';

/** Studies that were sent elsewhere, and the shards that came back. */
export const launches: Migration = {
  version: 4,
  apply(db) {
    db.exec(LAUNCHES);
  },
};

/**
 * A shard is known by the SHA-256 of its file. What it held of a stage stands in shard_stage, so that a stage that is deleted takes the
 * memory of its shards along and they can be imported again.
 */
const LAUNCHES = `
CREATE TABLE launch (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  study_id INTEGER NOT NULL REFERENCES study (id),
  place TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX launch_by_study ON launch (study_id);

CREATE TABLE shard (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  launch TEXT NOT NULL,
  task TEXT NOT NULL,
  provenance TEXT NOT NULL,
  imported_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX shard_by_launch ON shard (launch);

CREATE TABLE shard_stage (
  stage_id INTEGER NOT NULL REFERENCES stage (id),
  shard_hash TEXT NOT NULL REFERENCES shard (hash) ON DELETE CASCADE,
  expected INTEGER NOT NULL,
  seconds ANY,
  PRIMARY KEY (stage_id, shard_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX shard_stage_by_shard ON shard_stage (shard_hash);
`;
