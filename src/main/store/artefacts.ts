import {
  artefactPath,
  discard,
  keep,
  readVerified,
  remove,
  removeUnheld,
  sha256,
  writeTemporary,
} from './artefactFiles.ts';
import { asWritable, inTransaction, type ReadableDb } from './database.ts';
import { StoreError } from './errors.ts';
import {
  deleteIfUnreferenced,
  deleteUnreferencedArtefacts,
  insertArtefact,
  selectArtefact,
} from './tables/artefact.ts';
import { deleteStageArtefact, selectArtefactsOfStage, upsertStageArtefact } from './tables/stageArtefact.ts';
import type { ArtefactRole, StageArtefactRecord } from './tables/stageArtefact.ts';

/** What a collection removed. */
export interface Freed {
  /** Rows without a stage. */
  readonly artefacts: number;
  /** Files, those rows' and what crashes left behind, and their bytes. */
  readonly files: number;
  readonly bytes: number;
}

export interface Artefacts {
  /** Stores the bytes durably and gives them the role in the stage, in place of what had it, which goes. Returns their hash. */
  put(
    stageId: number,
    artefact: { readonly role: ArtefactRole; readonly kind: string; readonly bytes: Uint8Array },
  ): string;
  /** @throws StoreError 'not-found' for an unknown hash, 'damaged' when the file is gone or not what the hash says. */
  read(hash: string): Uint8Array;
  ofStage(stageId: number): StageArtefactRecord[];
  /** Takes the role away; bytes that no stage has go with it. */
  release(stageId: number, role: ArtefactRole): void;
  collectGarbage(): Freed;
}

export function openArtefacts(db: ReadableDb, folder: string): Artefacts {
  const holderOf = (stageId: number, role: ArtefactRole): string | undefined =>
    selectArtefactsOfStage(db, stageId).find((artefact) => artefact.role === role)?.hash;
  /** Two transactions: were the first undone after its file went, a row would be left without it. */
  const drop = (hash: string): void => {
    const target = asWritable(db);
    if (!inTransaction(target, () => deleteIfUnreferenced(target, hash))) return;
    inTransaction(target, () => selectArtefact(target, hash) ?? remove(folder, hash));
  };
  return {
    put(stageId, { role, kind, bytes }) {
      const target = asWritable(db);
      const hash = sha256(bytes);
      const before = holderOf(stageId, role);
      const temporary = writeTemporary(folder, bytes);
      try {
        // The rename is under the write lock, which a collection holds too: no file is removed between rename and row.
        inTransaction(target, () => {
          insertArtefact(target, { hash, kind, bytes: bytes.byteLength });
          upsertStageArtefact(target, { stageId, role, hash });
          keep(folder, temporary, hash);
        });
      } finally {
        discard(temporary);
      }
      if (before !== undefined && before !== hash) drop(before);
      return hash;
    },
    read(hash) {
      artefactPath(folder, hash);
      if (selectArtefact(db, hash) === null) {
        throw new StoreError('not-found', `read artefact ${hash}: the database has none of this hash`);
      }
      return readVerified(folder, hash);
    },
    ofStage: (stageId) => selectArtefactsOfStage(db, stageId),
    release(stageId, role) {
      const hash = holderOf(stageId, role);
      deleteStageArtefact(asWritable(db), stageId, role);
      if (hash !== undefined) drop(hash);
    },
    collectGarbage() {
      const target = asWritable(db);
      // Two transactions: were the first undone after its files went, rows would be left without them.
      const artefacts = inTransaction(target, () => deleteUnreferencedArtefacts(target));
      const freed = inTransaction(target, () => removeUnheld(folder, (hash) => selectArtefact(target, hash) !== null));
      return { artefacts, ...freed };
    },
  };
}
