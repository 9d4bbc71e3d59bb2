import type { Artefacts } from './artefacts.ts';
import { asWritable, inTransaction, type ReadableDb } from './database.ts';
import { StoreError } from './errors.ts';
import type { Results } from './results.ts';
import type { Stages } from './stages.ts';
import {
  insertShard,
  insertShardStage,
  selectShard,
  selectShardHashes,
  selectShardsOfStage,
  selectShardTotals,
  type ShardRecord,
} from './tables/shard.ts';
import type { StageRecord } from './tables/stage.ts';

export type { ShardRecord };

/** What of a store a shard is read from. */
export interface ShardSource {
  readonly stages: Stages;
  readonly results: Results;
  readonly artefacts: Pick<Artefacts, 'ofStage'>;
}

export interface Shard extends ShardRecord {
  /** The shard's own store. */
  readonly from: ShardSource;
  /** All stages in it: those that it has results of, and those whose weights it was computed with. */
  readonly stages: readonly StageRecord[];
  /** Keys of the stages that it has results of, with the number of instances that the whole stage has (0: it is trained). */
  readonly own: ReadonlyMap<string, number>;
  /** Bytes of weights by their hash. @throws where they are not what the hash says */
  readonly weights: (hash: string) => Uint8Array;
}

export interface Shards {
  /**
   * Takes in what a shard holds, in one transaction; a second time changes nothing, and neither does the order of several.
   * @returns false where it was there already
   * @throws StoreError 'conflict' where it was computed with other weights than the store has of a stage
   */
  import(shard: Shard): boolean;
  /** Hashes of the launch's shards that are there. */
  hashesOf(launch: string): string[];
  /** What a stage came from, by task; empty for one that was computed here. */
  ofStage(stageId: number): ShardRecord[];
  /** Instances that the whole stage has, and the seconds of its shards together; null where none came. */
  totals(stageId: number): { readonly expected: number; readonly seconds: number } | null;
}

interface Target extends ShardSource {
  readonly artefacts: Artefacts;
}

export function openShards(db: ReadableDb, target: Target, now: () => Date): Shards {
  return {
    import(shard) {
      const writable = asWritable(db);
      return inTransaction(writable, () => {
        if (selectShard(writable, shard.hash) !== null) return false;
        const { hash, launch, task, provenance } = shard;
        insertShard(writable, { hash, launch, task, provenance, importedAt: now().toISOString() });
        for (const stage of shard.stages) {
          const { id } = target.stages.ensureStage(stage);
          takeWeights(target, { shard, stage, id });
          const expected = shard.own.get(stage.key);
          if (expected === undefined) continue;
          takeResults(target, { from: shard.from, stage, id });
          insertShardStage(writable, { stageId: id, shardHash: hash, expected, seconds: stage.seconds ?? 0 });
        }
        return true;
      });
    },
    hashesOf: (launch) => selectShardHashes(db, launch),
    ofStage: (stageId) => selectShardsOfStage(db, stageId),
    totals: (stageId) => selectShardTotals(db, stageId),
  };
}

const weightsIn = (artefacts: Pick<Artefacts, 'ofStage'>, stageId: number): string | null =>
  artefacts.ofStage(stageId).find(({ role }) => role === 'weights')?.hash ?? null;

/** Weights come with whatever was computed with them, so that no result is ever there beside others. */
function takeWeights(
  { artefacts, stages }: Target,
  { shard, stage, id }: { shard: Shard; stage: StageRecord; id: number },
): void {
  const theirs = weightsIn(shard.from.artefacts, stage.id);
  if (theirs === null) return;
  const ours = weightsIn(artefacts, id);
  if (ours === theirs) return;
  if (ours !== null) {
    throw new StoreError(
      'conflict',
      `import shard ${shard.hash} of task ${shard.task}: it was computed with the weights ${theirs} of the ${stage.kind} ` +
        `${stage.key}, and the database has ${ours}; delete the runs of one of the two, then import again`,
    );
  }
  artefacts.put(id, { role: 'weights', kind: stage.kind, bytes: shard.weights(theirs) });
  stages.setStatus(id, { status: 'done' });
}

interface Taken {
  readonly from: ShardSource;
  readonly stage: StageRecord;
  /** Of the stage in the store that takes it in. */
  readonly id: number;
}

function takeResults({ stages, results }: Target, { from, stage, id }: Taken): void {
  switch (stage.kind) {
    case 'extractor':
    case 'head':
      for (const epoch of from.stages.epochs(stage.id)) stages.recordEpoch(id, epoch);
      break;
    case 'prediction':
      results.insertPredictions(id, from.results.predictions(stage.id));
      break;
    case 'pgd':
      results.insertPgd(id, from.results.pgd(stage.id));
      break;
    case 'noise-attack':
      results.insertNoiseAttacks(id, from.results.noiseAttacks(stage.id));
      break;
    case 'adversarial-search':
      results.insertAdversarialSearches(id, from.results.adversarialSearches(stage.id));
      break;
    case 'certification':
      for (const index of from.results.certifiedIndices(stage.id)) {
        results.commitInstance(id, from.results.instanceCertificates(stage.id, index));
      }
      break;
  }
}
