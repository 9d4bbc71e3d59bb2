import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { DistributionFile } from './distributions.ts';

/**
 * What lies where a distributed file is looked for.
 * - `original`: the distributed file, to the last bit.
 * - `repacked`: the same contents, packed by another gzip or not at all.
 * - `unknown`: its contents without gzip, whose checksum no source states.
 * - `wrong`: anything else.
 */
export type FileState =
  | { readonly kind: 'missing' }
  | { readonly kind: 'original' | 'repacked' | 'unknown'; readonly path: string; readonly bytes: number }
  | { readonly kind: 'wrong'; readonly path: string; readonly bytes: number; readonly reason: string };

/** The state of a file in a folder: under its own name, else without its `.gz`. */
export async function inspectFile(file: DistributionFile, folder: string): Promise<FileState> {
  const packed = path.join(folder, file.name);
  const packedBytes = await bytesOf(packed);
  if (packedBytes !== null) return inspectPacked(file, packed, packedBytes);
  if (!isGzipAlone(file.name)) return { kind: 'missing' };
  const plain = packed.slice(0, -'.gz'.length);
  const plainBytes = await bytesOf(plain);
  return plainBytes === null ? { kind: 'missing' } : inspectPlain(file, plain, plainBytes);
}

async function inspectPacked(file: DistributionFile, at: string, bytes: number): Promise<FileState> {
  const sha256 = bytes === file.bytes ? await sha256Of(at) : null;
  if (sha256 === file.sha256) return { kind: 'original', path: at, bytes };
  if (file.contentsSha256 !== null && (await unpackedSha256Of(at)) === file.contentsSha256)
    return { kind: 'repacked', path: at, bytes };
  const reason =
    sha256 === null ? `${bytes} bytes, expected ${file.bytes}` : `SHA-256 ${sha256}, expected ${file.sha256}`;
  return { kind: 'wrong', path: at, bytes, reason };
}

async function inspectPlain(file: DistributionFile, at: string, bytes: number): Promise<FileState> {
  if (file.contentsSha256 === null) return { kind: 'unknown', path: at, bytes };
  const sha256 = await sha256Of(at);
  if (sha256 === file.contentsSha256) return { kind: 'repacked', path: at, bytes };
  return { kind: 'wrong', path: at, bytes, reason: `SHA-256 ${sha256}, expected ${file.contentsSha256}` };
}

/** Whether a reader takes the file unpacked under the same name too; archives are read as they are. */
const isGzipAlone = (name: string): boolean => name.endsWith('.gz') && !name.endsWith('.tar.gz');

/** Null where there is nothing; of a folder too, whose checksum cannot be right. */
async function bytesOf(at: string): Promise<number | null> {
  try {
    return (await stat(at)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function sha256Of(at: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(at), hash);
  return hash.digest('hex');
}

/** Null where it is no whole gzip file. Unpacked as it streams, so that a bomb costs time and no memory. */
async function unpackedSha256Of(at: string): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(at), createGunzip(), hash);
    return hash.digest('hex');
  } catch {
    return null;
  }
}
