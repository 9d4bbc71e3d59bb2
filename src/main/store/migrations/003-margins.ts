import { statement, type WritableDb } from '../database.ts';
import { toNullableReal } from '../exactValues.ts';
import { marginOf } from '../margin.ts';
import { selectEvidenceArrays } from '../tables/evidenceArray.ts';
import { putTogether } from '../evidence.ts';
import { selectEvidenceScalars } from '../tables/certificateEvidence.ts';

interface Row {
  readonly id: number;
  readonly predicted: number;
}

/** The margins of certificates from before they had a column. Certificates whose evidence is gone keep none. */
export function backfillMargins(db: WritableDb): void {
  const rows = statement<Row>(
    db,
    "SELECT id, predicted FROM certificate WHERE method IN ('representation', 'logit')",
  ).all();
  const update = statement(db, 'UPDATE certificate SET margin = ? WHERE id = ?');
  for (const { id, predicted } of rows) {
    const stored = selectEvidenceScalars(db, id);
    if (stored === null) continue;
    const evidence = putTogether({ scalars: stored.scalars, arrays: selectEvidenceArrays(db, id) });
    update.run(toNullableReal(marginOf(evidence, predicted)), id);
  }
}
