import { createHash, type Hash } from 'node:crypto';
import type { DatasetEntry, Origin, PartCounts } from '../catalogue.ts';

export interface DecodedPart {
  /** [N, H, W, C], intensities 0 … 255 */
  readonly images: Uint8Array;
  /** [N], 0 … K − 1 */
  readonly labels: Uint8Array;
}

/** What a reader finds in a set's files. */
export interface SetContents {
  readonly train: DecodedPart;
  readonly test: DecodedPart;
  /** SHA-256, hex, of each part of what the files hold, unpacked: packing a file anew does not change it. */
  readonly hashes: readonly (readonly [part: string, sha256: string])[];
}

/** The files of a set and what it must hold. */
export interface FilesOfSet {
  readonly entry: DatasetEntry;
  readonly origin: Origin;
  readonly counts: PartCounts;
  /** By the names of the layout that was found. */
  readonly files: Readonly<Record<string, string>>;
}

/** Room for a part of a set. */
export function emptyPart({ shape }: DatasetEntry, count: number): DecodedPart {
  const { height, width, channels } = shape;
  return { images: new Uint8Array(count * height * width * channels), labels: new Uint8Array(count) };
}

export const sha256 = (): Hash => createHash('sha256');
