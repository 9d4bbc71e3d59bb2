import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { StoreError } from '../errors.ts';
import type { NamedArray } from '../evidence.ts';
import { fromBlob, toBlob, type Dtype } from '../exactValues.ts';

interface EvidenceArrayRow {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: string;
  readonly data: Buffer;
}

/** The rows that hold bytes already, by those bytes; for the certificates of one commit. */
export type StoredBytes = Map<string, number>;

/** Rules of one method share most of their arrays: equal bytes are stored once and referred to. */
export function insertEvidenceArray(
  db: WritableDb,
  row: { readonly certificateId: number; readonly array: NamedArray },
  stored: StoredBytes,
): void {
  const { name, dtype, values } = row.array;
  const blob = toBlob(values);
  const bytes = blob.toString('latin1');
  const same = stored.get(bytes) ?? null;
  const result = statement(
    db,
    'INSERT INTO evidence_array (certificate_id, name, dtype, shape, data, same_data_as) VALUES (?, ?, ?, ?, ?, ?)',
  ).run(row.certificateId, name, dtype, JSON.stringify([values.length]), same === null ? blob : null, same);
  if (same === null) stored.set(bytes, Number(result.lastInsertRowid));
}

export const ARRAYS_OF_CERTIFICATE = `SELECT own.name, own.dtype, own.shape, ifnull(own.data, other.data) AS data
  FROM evidence_array AS own LEFT JOIN evidence_array AS other ON other.id = own.same_data_as
  WHERE own.certificate_id = ? ORDER BY own.id`;

/** @throws StoreError 'damaged' when an array's shape and its bytes disagree. */
export function selectEvidenceArrays(db: ReadableDb, certificateId: number): NamedArray[] {
  const rows = statement<EvidenceArrayRow>(db, ARRAYS_OF_CERTIFICATE).all(certificateId);
  return rows.map(({ name, dtype, shape, data }) => {
    const values = fromBlob(dtype, data);
    if (shape !== JSON.stringify([values.length])) {
      throw new StoreError(
        'damaged',
        `read evidence array ${name}: got ${values.length} elements, expected shape ${shape}`,
      );
    }
    return { name, dtype, values };
  });
}
