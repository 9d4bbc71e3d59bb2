import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { fromJson, toJson } from '../exactValues.ts';

/** Beside the scalars, under a name that no evidence has: the seal of the whole certificate (../recordSeal.ts). */
const SEAL = '$seal';

export interface StoredScalars {
  readonly scalars: Readonly<Record<string, unknown>>;
  /** Null in certificates from before there were seals. */
  readonly seal: string | null;
}

export function insertEvidenceScalars(db: WritableDb, certificateId: number, { scalars, seal }: StoredScalars): void {
  statement(db, 'INSERT INTO certificate_evidence (certificate_id, scalars) VALUES (?, ?)').run(
    certificateId,
    toJson(seal === null ? scalars : { ...scalars, [SEAL]: seal }),
  );
}

/** Null when the certificate has no evidence, which only damage can cause. */
export function selectEvidenceScalars(db: ReadableDb, certificateId: number): StoredScalars | null {
  const row = statement<{ scalars: string }>(
    db,
    'SELECT scalars FROM certificate_evidence WHERE certificate_id = ?',
  ).get(certificateId);
  if (row === undefined) return null;
  const { [SEAL]: seal, ...scalars } = fromJson(row.scalars) as Record<string, unknown>;
  return { scalars, seal: typeof seal === 'string' ? seal : null };
}
