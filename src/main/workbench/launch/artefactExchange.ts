import { existsSync, statSync } from 'node:fs';
import {
  artefactPath,
  discard,
  keep,
  readVerified,
  remove,
  sha256,
  writeTemporary,
} from '../../store/artefactFiles.ts';

/** Weights and checkpoints in a launch's folder, by content as in a store. */

/** @returns their hash */
export function putArtefact(folder: string, bytes: Uint8Array): string {
  const hash = sha256(bytes);
  const path = artefactPath(folder, hash);
  if (existsSync(path) && statSync(path).size === bytes.byteLength) return hash;
  const temporary = writeTemporary(folder, bytes);
  try {
    keep(folder, temporary, hash);
  } finally {
    discard(temporary);
  }
  return hash;
}

/** @throws StoreError 'damaged' where the file is gone or its bytes have another hash */
export const takeArtefact = readVerified;

export function dropArtefacts(folder: string, hashes: Iterable<string>): void {
  for (const hash of hashes) remove(folder, hash);
}
