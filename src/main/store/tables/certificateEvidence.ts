import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { fromJson, toJson } from '../exactValues.ts';

export function insertEvidenceScalars(
  db: WritableDb,
  certificateId: number,
  scalars: Readonly<Record<string, unknown>>,
): void {
  statement(db, 'INSERT INTO certificate_evidence (certificate_id, scalars) VALUES (?, ?)').run(
    certificateId,
    toJson(scalars),
  );
}

/** Null when the certificate has no evidence, which only damage can cause. */
export function selectEvidenceScalars(db: ReadableDb, certificateId: number): Readonly<Record<string, unknown>> | null {
  const row = statement<{ scalars: string }>(
    db,
    'SELECT scalars FROM certificate_evidence WHERE certificate_id = ?',
  ).get(certificateId);
  return row === undefined ? null : (fromJson(row.scalars) as Record<string, unknown>);
}
