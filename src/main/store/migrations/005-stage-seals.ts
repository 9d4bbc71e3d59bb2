import type { Migration } from '../migrate.ts';

/** What a stage that is done has found is sealed, so that a bit that changes in it is noticed when no seal of the whole file is there. */
export const stageSeals: Migration = {
  version: 5,
  apply(db) {
    db.exec(SEALS);
    for (const table of [
      'epoch',
      'prediction',
      'pgd',
      'noise_attack',
      'adversarial_search',
      'certificate',
      'stage_artefact',
    ])
      db.exec(broken(table, 'stage_id'));
    db.exec(broken('stage', 'id'));
  },
};

const SEALS = `
CREATE TABLE stage_seal (
  stage_id INTEGER PRIMARY KEY REFERENCES stage (id) ON DELETE CASCADE,
  seal TEXT NOT NULL CHECK (length(seal) = 32)
) STRICT;
`;

/** Whoever changes a row takes the seal off by it, whichever way it is changed. */
const broken = (table: string, stage: string): string =>
  (
    [
      ['INSERT', 'NEW'],
      ['UPDATE', 'NEW'],
      ['DELETE', 'OLD'],
    ] as const
  )
    .map(
      ([change, row]) => `
CREATE TRIGGER ${table}_${change.toLowerCase()}_breaks_seal AFTER ${change} ON ${table}
BEGIN DELETE FROM stage_seal WHERE stage_id = ${row}.${stage}; END;`,
    )
    .join('');
