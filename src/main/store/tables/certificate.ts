import type { Method, Rule } from '../../../shared/config.ts';
import type {
  AbstentionReason,
  CertificateRecord,
  RadiusNormalised,
  RadiusPixels,
  Soundness,
  Verdict,
} from '../../../shared/results.ts';
import { statement, type ReadableDb, type WritableDb } from '../database.ts';
import { StoreError } from '../errors.ts';
import { toNullableReal } from '../exactValues.ts';

/** A certificate without its evidence and what falsifies it, for lists. */
export type CertificateHeader = Omit<CertificateRecord, 'evidence' | 'falsification'>;

export interface CertificateRow {
  readonly id: number;
  readonly stage_id: number;
  readonly dataset_index: number;
  readonly label: number;
  readonly method: Method;
  readonly rule: Rule | '';
  readonly soundness: Soundness;
  readonly outcome: Verdict['outcome'];
  readonly predicted: number;
  readonly reason: AbstentionReason | null;
  readonly radius_normalised: number | null;
  readonly radius_pixels: number | null;
  readonly median_prediction: number | null;
  /** In logits, proved, against the nearest rival; null for methods that count votes. */
  readonly margin: number | string | null;
}

/** The new row's id; null when the instance has this method's and rule's certificate already. */
export function insertCertificate(
  db: WritableDb,
  stageId: number,
  record: CertificateHeader & { readonly margin: number | null },
): number | null {
  const { verdict } = record;
  const isCertified = verdict.outcome === 'certified';
  checkRadii(record);
  const row = statement<{ id: number }>(
    db,
    `INSERT INTO certificate (stage_id, dataset_index, label, method, rule, soundness, outcome, predicted, reason,
       radius_normalised, radius_pixels, median_prediction, margin)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (stage_id, dataset_index, method, rule) DO NOTHING RETURNING id`,
  ).get(
    stageId,
    record.datasetIndex,
    record.label,
    record.method,
    record.rule ?? '',
    record.soundness,
    verdict.outcome,
    verdict.predicted,
    isCertified ? null : verdict.reason,
    isCertified ? verdict.radiusNormalised : null,
    record.radiusPixels,
    record.medianPrediction,
    toNullableReal(record.margin),
  );
  return row?.id ?? null;
}

/** @throws StoreError 'invalid': a radius that is no number ≥ 0 is no certificate, and an abstention has none. */
function checkRadii(record: CertificateHeader): void {
  const { verdict, radiusPixels } = record;
  const what = `internal: store ${record.method} certificate of instance ${record.datasetIndex}`;
  if (verdict.outcome === 'abstained') {
    if (radiusPixels === null) return;
    throw new StoreError('invalid', `${what}: abstained with radius ${radiusPixels} in pixels, expected null`);
  }
  if (!(verdict.radiusNormalised >= 0) || radiusPixels === null || !(radiusPixels >= 0)) {
    throw new StoreError(
      'invalid',
      `${what}: radius ${verdict.radiusNormalised} normalised, ${String(radiusPixels)} in pixels, expected both ≥ 0`,
    );
  }
}

export const CERTIFICATES_OF_INSTANCE =
  'SELECT * FROM certificate WHERE stage_id = ? AND dataset_index = ? ORDER BY id';

/** In the order in which they were committed. */
export function selectCertificatesOfInstance(db: ReadableDb, stageId: number, datasetIndex: number): CertificateRow[] {
  return statement<CertificateRow>(db, CERTIFICATES_OF_INSTANCE).all(stageId, datasetIndex);
}

export const CERTIFICATES_OF_STAGE = 'SELECT * FROM certificate WHERE stage_id = ? ORDER BY dataset_index';

export function selectCertificateHeaders(db: ReadableDb, stageId: number): CertificateHeader[] {
  return statement<CertificateRow>(db, CERTIFICATES_OF_STAGE).all(stageId).map(toCertificateHeader);
}

export const NEXT_INDEX = 'SELECT min(dataset_index) AS next FROM certificate WHERE stage_id = ? AND dataset_index > ?';

/** The smallest certified index past `after`; null when there is none. */
export function selectNextCertifiedIndex(db: ReadableDb, stageId: number, after: number): number | null {
  return statement<{ next: number | null }>(db, NEXT_INDEX).get(stageId, after)!.next;
}

export const CERTIFIED_INDICES =
  'SELECT DISTINCT dataset_index FROM certificate WHERE stage_id = ? ORDER BY dataset_index';

export function selectCertifiedIndices(db: ReadableDb, stageId: number): number[] {
  const rows = statement<{ dataset_index: number }>(db, CERTIFIED_INDICES).all(stageId);
  return rows.map((row) => row.dataset_index);
}

/** One stage's certificates of a method and rule in numbers (METHOD.md §4, Metrics). */
export interface CertificateSummary {
  readonly method: Method;
  readonly rule: Rule | null;
  readonly total: number;
  readonly certified: number;
  /** A_V at r = 0, times the total. */
  readonly certifiedCorrect: number;
  /** A_M times the total; null for methods without a median. */
  readonly medianCorrect: number | null;
  /** Rad., normalised units: mean over certified and correct; null when there are none. */
  readonly meanRadiusNormalised: number | null;
}

export const SUMMARY = `SELECT method, nullif(rule, '') AS rule, count(*) AS total,
    count(*) FILTER (WHERE outcome = 'certified') AS certified,
    count(*) FILTER (WHERE outcome = 'certified' AND predicted = label) AS certifiedCorrect,
    iif(count(median_prediction) = 0, NULL, count(*) FILTER (WHERE median_prediction = label)) AS medianCorrect,
    avg(radius_normalised) FILTER (WHERE outcome = 'certified' AND predicted = label) AS meanRadiusNormalised
  FROM certificate WHERE stage_id = ? GROUP BY method, certificate.rule`;

export function selectSummary(db: ReadableDb, stageId: number): CertificateSummary[] {
  return statement<CertificateSummary>(db, SUMMARY).all(stageId);
}

/** How far one instance is certified for its own class. */
export interface CertifiedRadius {
  readonly radiusNormalised: RadiusNormalised;
  readonly radiusPixels: RadiusPixels;
}

export const CERTIFIED_RADII = `SELECT radius_normalised AS radiusNormalised, radius_pixels AS radiusPixels FROM certificate
  WHERE stage_id = ? AND method = ? AND rule = ? AND outcome = 'certified' AND predicted = label`;

/** In no order. */
export function selectCertifiedRadii(
  db: ReadableDb,
  stageId: number,
  { method, rule }: Pick<CertificateHeader, 'method' | 'rule'>,
): CertifiedRadius[] {
  return statement<CertifiedRadius>(db, CERTIFIED_RADII).all(stageId, method, rule ?? '');
}

/** With max(), SQLite takes the other column from the row of the maximum. */
export const PROVED_RADII = `SELECT max(radius_normalised) AS radiusNormalised, radius_pixels AS radiusPixels FROM certificate
  WHERE stage_id = ? AND +method = 'representation' AND soundness = 'proved' AND outcome = 'certified' AND predicted = label
  GROUP BY dataset_index`;

/** The best of the sound rules of representation certificates for each instance. */
export function selectProvedRadii(db: ReadableDb, stageId: number): CertifiedRadius[] {
  return statement<CertifiedRadius>(db, PROVED_RADII).all(stageId);
}

export const PROVED_INSTANCES = `SELECT count(DISTINCT dataset_index) FILTER
    (WHERE outcome = 'certified' AND predicted = label) AS hits, count(*) AS certificates
  FROM certificate WHERE stage_id = ? AND method = 'representation' AND soundness = 'proved'`;

/** Instances that some sound rule of representation certificates certifies for their own class; null without such rules. */
export function countProvedInstances(db: ReadableDb, stageId: number): number | null {
  const { hits, certificates } = statement<{ hits: number; certificates: number }>(db, PROVED_INSTANCES).get(stageId)!;
  return certificates === 0 ? null : hits;
}

export const CERTIFICATE_CONFUSION = `SELECT label, iif(outcome = 'certified', predicted, NULL) AS predicted, count(*) AS n
  FROM certificate WHERE stage_id = ? AND method = ? AND rule = ? GROUP BY 1, 2`;

/** Classes against certified ones; null where the certificate abstains. */
export function selectCertificateConfusion(
  db: ReadableDb,
  stageId: number,
  { method, rule }: Pick<CertificateHeader, 'method' | 'rule'>,
): { readonly label: number; readonly predicted: number | null; readonly n: number }[] {
  return statement<{ label: number; predicted: number | null; n: number }>(db, CERTIFICATE_CONFUSION).all(
    stageId,
    method,
    rule ?? '',
  );
}

export function toCertificateHeader(row: CertificateRow): CertificateHeader {
  return {
    datasetIndex: row.dataset_index,
    label: row.label,
    method: row.method,
    rule: row.rule === '' ? null : row.rule,
    soundness: row.soundness,
    verdict:
      row.outcome === 'certified'
        ? { outcome: 'certified', predicted: row.predicted, radiusNormalised: row.radius_normalised! }
        : { outcome: 'abstained', predicted: row.predicted, reason: row.reason! },
    radiusPixels: row.radius_pixels,
    medianPrediction: row.median_prediction,
  };
}
