import { performance } from 'node:perf_hooks';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { expect } from 'vitest';
import { DataError } from '../../../src/main/data/dataError.ts';
import { decodeImage } from '../../../src/main/data/images/decodeImage.ts';
import { MAX_PIXELS } from '../../../src/main/data/images/imageError.ts';
import { pngChunks, type PngChunk } from '../../../src/main/data/images/pngChunks.ts';
import { deriveKey, philox4x32 } from '../../../src/main/math/philox.ts';

/** What an image may take, of time and of memory beyond what was there before. */
const MAX_MILLISECONDS = 2_000;
const MAX_BYTES = 512 * 2 ** 20;
/** How often memory is looked at. */
const EVERY = 250;

export interface MutationCase {
  /** Seed of the mutations. */
  readonly name: string;
  readonly originals: readonly Uint8Array[];
  readonly mutations: number;
  /** Makes a file of the m-th mutation, where a checksum would otherwise end most of the ways into the decoder. */
  readonly mended?: (bytes: Uint8Array, m: number) => Uint8Array;
}

/** The m-th mutation: one to four bytes overwritten, flipped by a bit, removed or doubled; every eighth is cut short as well. */
export function mutated(originals: readonly Uint8Array[], name: string, m: number): Uint8Array {
  const key = Uint32Array.from(deriveKey(1, name, m));
  const bytes = [...originals[m % originals.length]];
  for (let edit = 0; edit <= m % 4; edit++) {
    const [where, kind, value, near] = philox4x32(Uint32Array.of(edit, 0, 0, 0), key);
    // Half of the edits fall on the headers, where one byte decides most.
    const at = where % (near % 2 === 0 ? Math.min(bytes.length, 64) : bytes.length);
    if (kind % 8 === 0) bytes.splice(at, 1);
    else if (kind % 8 === 1) bytes.splice(at, 0, value % 256);
    else if (kind % 8 < 5) bytes[at] ^= 1 << (value % 8);
    else bytes[at] = value % 3 === 0 ? 255 * (value % 2) : value % 256;
  }
  const [length] = philox4x32(Uint32Array.of(99, 0, 0, 0), key);
  return Uint8Array.from(m % 8 === 7 ? bytes.slice(0, length % bytes.length) : bytes);
}

/** Every mutation is a valid image or a DataError that names the file, within time and memory. @returns how many were read */
export function checkMutations({ name, originals, mutations, mended = (bytes) => bytes }: MutationCase): number {
  const before = process.memoryUsage.rss();
  let read = 0;
  let slowest = 0;
  let largest = 0;
  for (let m = 0; m < mutations; m++) {
    const file = `${name} ${m}`;
    const bytes = mended(mutated(originals, name, m), m);
    const started = performance.now();
    try {
      const { height, width, channels, values } = decodeImage(bytes, file);
      if (values.length !== height * width * channels || height * width > MAX_PIXELS) throw new Error('sizes disagree');
      read++;
    } catch (error) {
      // Plain comparisons: an assertion for each of so many would take longer than the work.
      if (!(error instanceof DataError) || error.file !== file || error.cure === '')
        throw new Error(file, { cause: error });
    }
    slowest = Math.max(slowest, performance.now() - started);
    if (m % EVERY === 0) largest = Math.max(largest, process.memoryUsage.rss() - before);
  }
  expect(slowest).toBeLessThan(MAX_MILLISECONDS);
  expect(largest).toBeLessThan(MAX_BYTES);
  return read;
}

/** Checksums of all chunks of a PNG, as far as it has whole ones, made right. */
export function withChecksums(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) break;
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
  return bytes;
}

/** A PNG file of chunks. */
function pngOf(chunks: readonly Pick<PngChunk, 'type' | 'data'>[]): Uint8Array {
  const framed = chunks.map(({ type, data }) => {
    const frame = Buffer.alloc(data.length + 12);
    frame.writeUInt32BE(data.length);
    frame.write(type, 4, 'latin1');
    frame.set(data, 8);
    return frame;
  });
  return withChecksums(Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...framed]));
}

/** The rows of a PNG with their filters, unpacked, and the file that has others in their place. */
export function rowsOf(file: Uint8Array): { rows: Uint8Array; withRows: (rows: Uint8Array) => Uint8Array } {
  const chunks = pngChunks(file, 'an original');
  const data = chunks.filter(({ type }) => type === 'IDAT');
  return {
    rows: inflateSync(Buffer.concat(data.map((chunk) => chunk.data))),
    withRows: (rows) => {
      const packed = { type: 'IDAT', data: deflateSync(rows, { level: 1 }) };
      return pngOf(
        chunks.flatMap<Pick<PngChunk, 'type' | 'data'>>((chunk) =>
          chunk === data[0] ? [packed] : chunk.type === 'IDAT' ? [] : [chunk],
        ),
      );
    },
  };
}
