import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../../store/artefactFiles.ts';
import { DATABASE_NAME, openStore, type Store } from '../../store/store.ts';
import { dropArtefacts, putArtefact, takeArtefact } from './artefactExchange.ts';
import { publishCopy } from './durableFile.ts';
import { artefactsOf, progressDatabase, readProgress, recordProgress, shardPath, type Progress } from './records.ts';

/** A store on the node's own disk, since SQLite over a network disk is neither fast nor safe; what is safe leaves it as whole files. */
export interface Scratch {
  readonly store: Store;
  readonly folder: string;
  close(): void;
}

const hashOfFile = (file: string): string => sha256(readFileSync(file));

export interface Place {
  /** Of the launch. */
  readonly folder: string;
  readonly task: string;
}

/** With what an earlier attempt saved, if that can be read. @param notice told where it cannot */
export function openScratch(place: Place, parent: string | undefined, notice: (text: string) => void): Scratch {
  const folder = mkdtempSync(join(parent ?? process.env['SLURM_TMPDIR'] ?? tmpdir(), 'ptw-task-'));
  try {
    takeUp(place, folder);
  } catch (error) {
    rmSync(join(folder, DATABASE_NAME), { force: true });
    notice(`what an earlier attempt saved cannot be read, so the task begins anew: ${String(error)}`);
  }
  const store = openStore(folder);
  return {
    store,
    folder,
    close() {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function takeUp({ folder, task }: Place, scratch: string): void {
  const progress = readProgress(folder, task);
  if (progress === null) return;
  const file = progressDatabase(folder, progress.hash);
  const copy = join(scratch, DATABASE_NAME);
  copyFileSync(file, copy);
  const got = hashOfFile(copy);
  if (got !== progress.hash) throw new Error(`the SHA-256 of ${file} is ${got}, expected ${progress.hash}`);
  for (const hash of progress.artefacts)
    putArtefact(join(scratch, 'artefacts'), takeArtefact(artefactsOf(folder), hash));
}

export interface Saved {
  readonly attempt: number;
  readonly committed: number;
  /** Ids of the task's own stages. */
  readonly stages: readonly number[];
}

/** Publishes what is there so far. What the save before had and this one has not is removed. */
export function saveProgress(
  place: Place,
  { store, folder: scratch }: Scratch,
  { attempt, committed, stages }: Saved,
): void {
  const { folder, task } = place;
  const before = readProgress(folder, task);
  const artefacts = stages.flatMap((id) => store.artefacts.ofStage(id).map(({ hash }) => hash));
  for (const hash of artefacts) putArtefact(artefactsOf(folder), store.artefacts.read(hash));
  const copy = snapshot(store, scratch);
  const hash = hashOfFile(copy);
  publishCopy(progressDatabase(folder, hash), copy);
  rmSync(copy);
  recordProgress(folder, task, { attempt, at: new Date().toISOString(), committed, hash, artefacts });
  if (before !== null) forget(folder, before, new Set([hash, ...artefacts]));
}

function snapshot(store: Store, scratch: string): string {
  const copy = join(scratch, 'snapshot.sqlite');
  rmSync(copy, { force: true });
  store.copyTo(copy);
  return copy;
}

/** Removes what a save holds. @param kept hashes of what stays */
export function forget(folder: string, progress: Progress, kept: ReadonlySet<string>): void {
  if (!kept.has(progress.hash)) rmSync(progressDatabase(folder, progress.hash), { force: true });
  dropArtefacts(
    artefactsOf(folder),
    progress.artefacts.filter((hash) => !kept.has(hash)),
  );
}

/** The scratch's database as a shard under its hash. */
export function publishShard(folder: string, { store, folder: scratch }: Scratch): { shard: string; bytes: number } {
  const copy = snapshot(store, scratch);
  const shard = hashOfFile(copy);
  const { size } = statSync(copy);
  if (!existsSync(shardPath(folder, shard))) publishCopy(shardPath(folder, shard), copy);
  rmSync(copy);
  return { shard, bytes: size };
}
