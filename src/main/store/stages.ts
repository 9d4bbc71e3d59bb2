import { asWritable, inTransaction, type ReadableDb } from './database.ts';
import { StoreError } from './errors.ts';
import { sealStage } from './stageSeal.ts';
import { selectEpochs, upsertEpoch, type EpochRecord } from './tables/epoch.ts';
import { selectStagesOfRun, upsertRunStage } from './tables/runStage.ts';
import { insertStage, selectStage, selectStageByKey, updateStage } from './tables/stage.ts';
import type { NewStage, StageChange, StageRecord } from './tables/stage.ts';

export interface Stages {
  /**
   * The stage of this key, new and pending if there was none. @throws StoreError 'invalid' when the key is no SHA-256,
   * 'conflict' when the stage of this key is of another kind or domain.
   */
  ensureStage(stage: NewStage): StageRecord;
  /** Makes the stage part of the run, at this place in its order. */
  link(runId: number, stageId: number, position: number): void;
  /** @throws StoreError 'not-found' */
  get(stageId: number): StageRecord;
  findByKey(key: string): StageRecord | null;
  /** In the run's order. */
  ofRun(runId: number): StageRecord[];
  /** @throws StoreError 'not-found' */
  setStatus(stageId: number, change: StageChange): void;
  /** Replaces an earlier record of the same epoch. */
  recordEpoch(stageId: number, epoch: EpochRecord): void;
  epochs(stageId: number): EpochRecord[];
}

export function openStages(db: ReadableDb): Stages {
  return {
    ensureStage(stage) {
      checkKey(stage.key);
      const target = asWritable(db);
      return inTransaction(target, () => {
        insertStage(target, stage);
        const found = selectStageByKey(target, stage.key)!;
        checkSame(found, stage);
        return found;
      });
    },
    link(runId, stageId, position) {
      upsertRunStage(asWritable(db), { runId, stageId, position });
    },
    get(stageId) {
      const stage = selectStage(db, stageId);
      if (stage === null) throw new StoreError('not-found', `find stage ${stageId}: there is none of this number`);
      return stage;
    },
    findByKey: (key) => selectStageByKey(db, key),
    ofRun: (runId) => selectStagesOfRun(db, runId),
    setStatus(stageId, change) {
      const target = asWritable(db);
      inTransaction(target, () => {
        updateStage(target, stageId, change);
        if (change.status === 'done') sealStage(target, stageId);
      });
    },
    recordEpoch(stageId, epoch) {
      upsertEpoch(asWritable(db), stageId, epoch);
    },
    epochs: (stageId) => selectEpochs(db, stageId),
  };
}

function checkKey(key: string): void {
  if (/^[0-9a-f]{64}$/.test(key)) return;
  throw new StoreError(
    'invalid',
    `internal: ensure stage: key is ${JSON.stringify(key)}, expected 64 lower-case hex digits`,
  );
}

/** The key stands for all a stage depends on, so two stages of one key cannot be of different kinds. Labels may be reworded. */
function checkSame(found: StageRecord, wanted: NewStage): void {
  if (found.kind === wanted.kind && found.domain === wanted.domain) return;
  throw new StoreError(
    'conflict',
    `internal: ensure stage ${wanted.key}: got ${wanted.kind} on ${String(wanted.domain)}, ` +
      `but it is stored as ${found.kind} on ${String(found.domain)}; the key leaves out what tells them apart`,
  );
}
