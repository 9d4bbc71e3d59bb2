import type {
  AdversarialSearchOutcome,
  AdversarialSearchRecord,
  CertificateRecord,
  NoiseAttackOutcome,
  NoiseAttackRecord,
  PgdOutcome,
  PgdRecord,
  PredictionRecord,
} from '../../shared/results.ts';
import { asWritable, inTransaction, type ReadableDb, type WritableDb } from './database.ts';
import { selectStageIdentity } from './tables/stage.ts';
import { recordSeal, type SealedStage } from './recordSeal.ts';
import { StoreError, toStoreError } from './errors.ts';
import { putTogether, takeApart } from './evidence.ts';
import { marginOf } from './margin.ts';
import {
  insertAdversarialSearch,
  selectAdversarialSearches,
  selectAdversarialSearchOfInstance,
  selectAdversarialSearchOutcomes,
  selectSearchedIndices,
} from './tables/adversarialSearch.ts';
import {
  countProvedInstances,
  insertCertificate,
  selectCertificateConfusion,
  selectCertificateHeaders,
  selectCertificatesOfInstance,
  selectCertifiedRadii,
  selectProvedRadii,
  selectCertifiedIndices,
  selectNextCertifiedIndex,
  selectSummary,
  toCertificateHeader,
} from './tables/certificate.ts';
import type { CertificateHeader, CertificateRow, CertificateSummary, CertifiedRadius } from './tables/certificate.ts';
import {
  countOutcomes,
  selectInstanceIndices,
  selectInstancePage,
  type InstanceOrder,
  type InstanceOutcome,
  type InstanceRow,
  type InstanceSelection,
} from './tables/instanceList.ts';
import { insertEvidenceScalars, selectEvidenceScalars } from './tables/certificateEvidence.ts';
import { insertEvidenceArray, selectEvidenceArrays, type StoredBytes } from './tables/evidenceArray.ts';
import {
  insertFalsification,
  selectFalsification,
  selectFalsificationCounts,
  type FalsificationCounts,
} from './tables/falsification.ts';
import {
  insertNoiseAttack,
  selectNoiseAttackedIndices,
  selectNoiseAttackOfInstance,
  selectNoiseAttackOutcomes,
  selectNoiseAttacks,
} from './tables/noiseAttack.ts';
import { insertPgd, selectAttackedIndices, selectPgd, selectPgdOfInstance, selectPgdOutcomes } from './tables/pgd.ts';
import {
  insertPrediction,
  selectPredictionConfusion,
  selectPredictionOfInstance,
  selectPredictions,
  type ConfusionCount,
} from './tables/prediction.ts';

/** Certificates of one instance under the head that a stage is of. */
export interface StageCertificates {
  readonly stageId: number;
  readonly certificates: readonly CertificateRecord[];
}

export interface Results {
  /**
   * All certificates of one instance, or none; on the disk when it returns. Those that are there already stay as they
   * are, so that a resumed run may commit an instance again. Returns how many were new.
   * @throws StoreError 'invalid' when they are of several instances.
   */
  commitInstance(stageId: number, certificates: readonly CertificateRecord[]): number;
  /** The same under several heads: all of them or none, in one transaction. */
  commitInstanceOfStages(ofStages: readonly StageCertificates[]): number;
  /** Dataset indices of the committed instances, ascending: those that a resumed run need not do again. */
  certifiedIndices(stageId: number): number[];
  /** All certificates with their evidence, by dataset index; one instance is in memory at a time. */
  iterateCertificates(stageId: number): Generator<CertificateRecord, void, undefined>;
  /** By dataset index, without evidence. */
  certificateHeaders(stageId: number): CertificateHeader[];
  /** In the order in which they were committed; empty when the instance has none. */
  instanceCertificates(stageId: number, datasetIndex: number): CertificateRecord[];
  /** One for each method and rule of the stage. */
  summary(stageId: number): CertificateSummary[];
  /** Over the stage's certificates by the rule `paper`. */
  falsificationCounts(stageId: number): FalsificationCounts;
  /** Radii of the instances that the method and rule certify for their own class, in no order. */
  certifiedRadii(stageId: number, by: Pick<CertificateRecord, 'method' | 'rule'>): CertifiedRadius[];
  /** The same for representation certificates by whichever sound rule reaches furthest on an instance. */
  provedRepresentationRadii(stageId: number): CertifiedRadius[];
  /** In one transaction; instances that are there already stay as they are. Returns how many were new. */
  insertPredictions(stageId: number, records: readonly PredictionRecord[]): number;
  predictions(stageId: number): PredictionRecord[];
  /** As {@link Results.insertPredictions}. */
  insertPgd(stageId: number, records: readonly PgdRecord[]): number;
  pgd(stageId: number): PgdRecord[];
  /** Without their perturbations. */
  pgdOutcomes(stageId: number): PgdOutcome[];
  noiseAttackOutcomes(stageId: number): NoiseAttackOutcome[];
  adversarialSearchOutcomes(stageId: number): AdversarialSearchOutcome[];
  /** Of one instance; null where the stage has not come to it. So for the next three. */
  predictionOf(stageId: number, datasetIndex: number): PredictionRecord | null;
  pgdOf(stageId: number, datasetIndex: number): PgdRecord | null;
  noiseAttackOf(stageId: number, datasetIndex: number): NoiseAttackRecord | null;
  adversarialSearchOf(stageId: number, datasetIndex: number): AdversarialSearchRecord | null;
  /** Classes against predictions of the clean instances. */
  predictionConfusion(stageId: number): ConfusionCount[];
  /** Classes against certified ones, null for abstentions. */
  certificateConfusion(
    stageId: number,
    by: Pick<CertificateRecord, 'method' | 'rule'>,
  ): { readonly label: number; readonly predicted: number | null; readonly n: number }[];
  /** Instances of a stage as lists show them, filtered, sorted and paged in SQL. */
  instancePage(
    selected: InstanceSelection,
    page: { readonly order: InstanceOrder; readonly offset: number; readonly limit: number },
  ): InstanceRow[];
  /** Of the whole selection, in order. */
  instanceIndices(selected: InstanceSelection, order: InstanceOrder): number[];
  /** How many of the selection, whatever outcome it asks for, have each outcome. */
  outcomeCounts(
    selected: InstanceSelection,
  ): { readonly outcome: InstanceOutcome; readonly n: number; readonly correct: number }[];
  /** Instances that some sound rule of representation certificates certifies for their own class; null without such rules. */
  provedInstances(stageId: number): number | null;
  /** Dataset indices, ascending, that PGD was run on. */
  attackedIndices(stageId: number): number[];
  /** As {@link Results.insertPredictions}. */
  insertNoiseAttacks(stageId: number, records: readonly NoiseAttackRecord[]): number;
  noiseAttacks(stageId: number): NoiseAttackRecord[];
  /** Dataset indices, ascending. */
  noiseAttackedIndices(stageId: number): number[];
  /** As {@link Results.insertPredictions}. */
  insertAdversarialSearches(stageId: number, records: readonly AdversarialSearchRecord[]): number;
  adversarialSearches(stageId: number): AdversarialSearchRecord[];
  /** Dataset indices, ascending. */
  searchedIndices(stageId: number): number[];
}

export function openResults(db: ReadableDb, folder: string): Results {
  const insertAll = <Record>(
    records: readonly Record[],
    insert: (target: WritableDb, record: Record) => number,
  ): number => {
    const target = asWritable(db);
    return inTransaction(target, () => records.reduce((added, record) => added + insert(target, record), 0));
  };
  const commitInstanceOfStages: Results['commitInstanceOfStages'] = (ofStages) => {
    checkOneInstance(ofStages.flatMap(({ certificates }) => certificates));
    return insertAll(ofStages, insertOfStage);
  };
  return {
    commitInstance: (stageId, certificates) => commitInstanceOfStages([{ stageId, certificates }]),
    commitInstanceOfStages,
    certifiedIndices: (stageId) => selectCertifiedIndices(db, stageId),
    iterateCertificates: (stageId) => iterateCertificates(db, stageId, folder),
    certificateHeaders: (stageId) => selectCertificateHeaders(db, stageId),
    instanceCertificates: (stageId, datasetIndex) =>
      selectCertificatesOfInstance(db, stageId, datasetIndex).map((row) => withEvidence(db, row)),
    summary: (stageId) => selectSummary(db, stageId),
    falsificationCounts: (stageId) => selectFalsificationCounts(db, stageId),
    certifiedRadii: (stageId, by) => selectCertifiedRadii(db, stageId, by),
    provedRepresentationRadii: (stageId) => selectProvedRadii(db, stageId),
    insertPredictions: (stageId, records) =>
      insertAll(records, (target, record) => insertPrediction(target, stageId, record)),
    predictions: (stageId) => selectPredictions(db, stageId),
    insertPgd: (stageId, records) => insertAll(records, (target, record) => insertPgd(target, stageId, record)),
    pgd: (stageId) => selectPgd(db, stageId),
    pgdOutcomes: (stageId) => selectPgdOutcomes(db, stageId),
    noiseAttackOutcomes: (stageId) => selectNoiseAttackOutcomes(db, stageId),
    adversarialSearchOutcomes: (stageId) => selectAdversarialSearchOutcomes(db, stageId),
    predictionOf: (stageId, index) => selectPredictionOfInstance(db, stageId, index),
    pgdOf: (stageId, index) => selectPgdOfInstance(db, stageId, index),
    noiseAttackOf: (stageId, index) => selectNoiseAttackOfInstance(db, stageId, index),
    adversarialSearchOf: (stageId, index) => selectAdversarialSearchOfInstance(db, stageId, index),
    predictionConfusion: (stageId) => selectPredictionConfusion(db, stageId),
    certificateConfusion: (stageId, by) => selectCertificateConfusion(db, stageId, by),
    instancePage: (selected, page) => selectInstancePage(db, selected, page),
    instanceIndices: (selected, order) => selectInstanceIndices(db, selected, order),
    outcomeCounts: (selected) => countOutcomes(db, selected),
    provedInstances: (stageId) => countProvedInstances(db, stageId),
    attackedIndices: (stageId) => selectAttackedIndices(db, stageId),
    insertNoiseAttacks: (stageId, records) =>
      insertAll(records, (target, record) => insertNoiseAttack(target, stageId, record)),
    noiseAttacks: (stageId) => selectNoiseAttacks(db, stageId),
    noiseAttackedIndices: (stageId) => selectNoiseAttackedIndices(db, stageId),
    insertAdversarialSearches: (stageId, records) =>
      insertAll(records, (target, record) => insertAdversarialSearch(target, stageId, record)),
    adversarialSearches: (stageId) => selectAdversarialSearches(db, stageId),
    searchedIndices: (stageId) => selectSearchedIndices(db, stageId),
  };
}

function checkOneInstance(certificates: readonly CertificateRecord[]): void {
  const indices = new Set(certificates.map((certificate) => certificate.datasetIndex));
  if (indices.size === 1) return;
  throw new StoreError(
    'invalid',
    `internal: commit instance: got certificates of ${indices.size} instances (${[...indices].join(', ')}), expected one`,
  );
}

function insertOfStage(db: WritableDb, { stageId, certificates }: StageCertificates): number {
  // Of one stage alone: what refers to the rows of another could not stay when that one goes.
  const stored: StoredBytes = new Map();
  const stage = selectStageIdentity(db, stageId);
  return certificates.reduce((added, record) => added + insertWithEvidence(db, { stageId, stage, record, stored }), 0);
}

interface Commit {
  readonly stageId: number;
  /** Null where there is no such stage, which the database refuses. */
  readonly stage: SealedStage | null;
  readonly record: CertificateRecord;
  readonly stored: StoredBytes;
}

function insertWithEvidence(db: WritableDb, { stageId, stage, record, stored }: Commit): number {
  const { scalars, arrays } = takeApart(record.evidence);
  const certificateId = insertCertificate(db, stageId, {
    ...record,
    margin: marginOf(record.evidence, record.verdict.predicted),
  });
  if (certificateId === null) return 0;
  insertEvidenceScalars(db, certificateId, { scalars, seal: recordSeal(record, stage!) });
  for (const array of arrays) insertEvidenceArray(db, { certificateId, array }, stored);
  if (record.falsification !== null) insertFalsification(db, certificateId, record.falsification);
  return 1;
}

function withEvidence(db: ReadableDb, row: CertificateRow): CertificateRecord {
  const stored = selectEvidenceScalars(db, row.id);
  if (stored === null) {
    throw new StoreError(
      'damaged',
      `read certificate ${row.id}: its evidence is gone; certify instance ${row.dataset_index} again`,
    );
  }
  const evidence = putTogether({ scalars: stored.scalars, arrays: selectEvidenceArrays(db, row.id) });
  const record = { ...toCertificateHeader(row), evidence, falsification: selectFalsification(db, row.id) };
  const stage = selectStageIdentity(db, row.stage_id);
  if (stored.seal !== null && (stage === null || stored.seal !== recordSeal(record, stage))) {
    throw new StoreError(
      'damaged',
      `read certificate ${row.id}, of instance ${row.dataset_index}: it is not what was stored. Save what is intact with: ` +
        `ptw salvage ${db.name} --out <folder>`,
    );
  }
  return record;
}

/** Instance by instance and not with a cursor: an open cursor would keep the connection from writing. */
function* iterateCertificates(
  db: ReadableDb,
  stageId: number,
  folder: string,
): Generator<CertificateRecord, void, undefined> {
  let index: number | null = -1;
  for (;;) {
    let certificates: CertificateRecord[];
    try {
      index = selectNextCertifiedIndex(db, stageId, index);
      if (index === null) return;
      certificates = selectCertificatesOfInstance(db, stageId, index).map((row) => withEvidence(db, row));
    } catch (cause) {
      throw toStoreError('iterate certificates', folder, cause);
    }
    yield* certificates;
  }
}
