import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../../store/artefactFiles.ts';
import { StoreError } from '../../store/errors.ts';
import { openStoreFile, type Store } from '../../store/store.ts';
import { BadInput } from '../errors.ts';
import { takeArtefact } from './artefactExchange.ts';
import { artefactsOf, shardPath, type Done } from './records.ts';
import { shardFactsSchema } from './shardFacts.ts';

/** What an import did, by task. */
export interface Imported {
  readonly added: readonly string[];
  /** Were there already. */
  readonly known: readonly string[];
  /** With the reason; the others are in. */
  readonly refused: readonly { readonly task: string; readonly reason: string }[];
}

/**
 * Takes shards into the store, each in a transaction of its own and only if its bytes are what its hash says. One that cannot be taken
 * keeps no other one out.
 */
export function importShards(store: Store, folder: string, shards: readonly Pick<Done, 'task' | 'shard'>[]): Imported {
  const added: string[] = [];
  const known: string[] = [];
  const refused: { task: string; reason: string }[] = [];
  for (const { task, shard } of shards) {
    try {
      (importShard(store, folder, shard) ? added : known).push(task);
    } catch (error) {
      if (!(error instanceof StoreError) && !(error instanceof BadInput)) throw error;
      refused.push({ task, reason: error.message });
    }
  }
  return { added, known, refused };
}

function importShard(store: Store, folder: string, hash: string): boolean {
  const file = shardPath(folder, hash);
  checkHash(file, hash);
  return withShard(file, (from) => {
    const run = from.runs.list().at(0);
    const facts = shardFactsSchema.safeParse(run?.environment);
    if (run === undefined || !facts.success) throw new BadInput(`${file} is no shard: it does not say what it is of`);
    const { launch, task, own, provenance } = facts.data;
    return store.shards.import({
      hash,
      launch,
      task,
      provenance,
      from,
      stages: from.stages.ofRun(run.id),
      own: new Map(Object.entries(own)),
      weights: (of) => takeArtefact(artefactsOf(folder), of),
    });
  });
}

/** @throws BadInput where the file is gone or was changed */
function checkHash(file: string, hash: string): void {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new BadInput(`shard ${hash}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const got = sha256(bytes);
  if (got === hash) return;
  throw new BadInput(
    `the SHA-256 of ${file} is ${got}, expected ${hash}: the file was damaged on its way; fetch it again`,
  );
}

/** A shard of an older version of the workbench is brought up to date in a copy. */
function withShard<T>(file: string, read: (from: Store) => T): T {
  let folder: string | null = null;
  let from: Store;
  try {
    from = openStoreFile(file, { readonly: true });
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'older-database') throw error;
    folder = mkdtempSync(join(tmpdir(), 'ptw-shard-'));
    copyFileSync(file, join(folder, 'shard.sqlite'));
    from = openStoreFile(join(folder, 'shard.sqlite'));
  }
  try {
    return read(from);
  } finally {
    from.close();
    if (folder !== null) rmSync(folder, { recursive: true });
  }
}
