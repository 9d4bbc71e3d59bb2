import type { Falsification, FalsifyingPoint } from '../../../shared/results.ts';
import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { StoreError } from '../errors.ts';
import { fromBlob, fromReal, toBlob, toReal } from '../exactValues.ts';

interface FalsificationRow {
  readonly box: 'radius' | 'smallest';
  readonly k: number | null;
  readonly rival: number | null;
  readonly margin_upper: number | string | null;
  readonly point: Buffer | null;
}

/** A row for each of the two boxes, also where no point was found. */
export function insertFalsification(db: WritableDb, certificateId: number, found: Falsification): void {
  insertBox(db, { certificateId, box: 'radius', found: found.atRadius });
  insertBox(db, { certificateId, box: 'smallest', found: found.atSmallestBox });
}

interface SearchedBox {
  readonly certificateId: number;
  readonly box: FalsificationRow['box'];
  readonly found: FalsifyingPoint | null;
}

function insertBox(db: WritableDb, { certificateId, box, found }: SearchedBox): void {
  statement(
    db,
    'INSERT INTO falsification (certificate_id, box, k, rival, margin_upper, point) VALUES (?, ?, ?, ?, ?, ?)',
  ).run(
    certificateId,
    box,
    found?.k ?? null,
    found?.rival ?? null,
    found === null ? null : toReal(found.marginUpper),
    found === null ? null : toBlob(found.point),
  );
}

export const FALSIFICATION_OF_CERTIFICATE = 'SELECT * FROM falsification WHERE certificate_id = ?';

/**
 * Null when the certificate was not searched.
 * @throws StoreError 'damaged' when one of the two boxes is missing
 */
export function selectFalsification(db: ReadableDb, certificateId: number): Falsification | null {
  const rows = statement<FalsificationRow>(db, FALSIFICATION_OF_CERTIFICATE).all(certificateId);
  if (rows.length === 0) return null;
  const [radius, smallest] = (['radius', 'smallest'] as const).map((name) => rows.find(({ box }) => box === name));
  if (radius === undefined || smallest === undefined) {
    throw new StoreError(
      'damaged',
      `read falsification of certificate ${certificateId}: got the box ${rows[0].box} alone, expected both; certify the instance again`,
    );
  }
  return { atRadius: toPoint(radius), atSmallestBox: toPoint(smallest) };
}

function toPoint({ k, rival, margin_upper: marginUpper, point }: FalsificationRow): FalsifyingPoint | null {
  if (point === null) return null;
  return { k: k!, rival: rival!, marginUpper: fromReal(marginUpper!), point: fromBlob('float32', point) };
}

/** How many certificates of a stage were searched, and in how many a point was found. */
export interface FalsificationCounts {
  readonly searched: number;
  readonly atRadius: number;
  readonly atSmallestBox: number;
}

export const FALSIFICATION_COUNTS = `SELECT count(*) FILTER (WHERE box = 'radius') AS searched,
    count(point) FILTER (WHERE box = 'radius') AS atRadius,
    count(point) FILTER (WHERE box = 'smallest') AS atSmallestBox
  FROM certificate JOIN falsification ON certificate_id = certificate.id
  WHERE stage_id = ? AND method = 'representation' AND rule = 'paper'`;

export function selectFalsificationCounts(db: ReadableDb, stageId: number): FalsificationCounts {
  return statement<FalsificationCounts>(db, FALSIFICATION_COUNTS).get(stageId)!;
}
