import { readFileSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { DataError, type DataErrorParts } from './dataError.ts';

/**
 * IDX, the format of the MNIST family: two zero bytes, a byte for the type (0x08 is uint8), a byte for the number of
 * dimensions, each dimension as a big-endian uint32, then the values, last dimension fastest.
 */
export interface IdxArray {
  /** Sizes, slowest first: [n] for labels, [n, H, W] for images. */
  readonly dimensions: readonly number[];
  /** [∏ dimensions] */
  readonly values: Uint8Array;
}

export interface IdxLimits {
  /** Number of dimensions the array must have. */
  readonly rank: number;
  /** Most bytes the contents may have after gzip; no stream is unpacked beyond it. */
  readonly maxBytes: number;
}

const UINT8 = 0x08;
/** Bytes a file may have beyond its contents: gzip's own, and some more so that trailing bytes are named as such. */
const PACKING_SLACK = 1 << 16;
const REPLACE = 'replace the file with an undamaged copy';

/** Bytes of the header of an array with `rank` dimensions. */
export const idxHeaderBytes = (rank: number): number => 4 + 4 * rank;

/**
 * The array in an IDX file, and all its bytes after gzip (what a content hash is taken over). Gzip is told by the
 * file's first bytes, never by its name.
 * @throws DataError when the file is missing, empty, larger than `maxBytes`, or not exactly one uint8 array of `rank`.
 */
export function readIdx(file: string, limits: IdxLimits): { array: IdxArray; contents: Uint8Array } {
  return decodeIdx(readLimited(file, limits.maxBytes), file, limits);
}

/** As readIdx, from bytes already read; `file` only names them in errors. @throws DataError */
export function decodeIdx(
  stored: Uint8Array,
  file: string,
  limits: IdxLimits,
): { array: IdxArray; contents: Uint8Array } {
  const contents = isGzip(stored) ? gunzip(stored, file, limits.maxBytes) : stored;
  return { array: parseIdx(contents, file, limits.rank), contents };
}

/**
 * The file's bytes as they lie on disk, for contents of at most `maxBytes` after gzip.
 * @throws DataError when it is no readable file, or too large to hold so little.
 */
export function readLimited(file: string, maxBytes: number): Uint8Array {
  const refuse = (got: string, cause?: unknown): DataError =>
    new DataError({
      operation: 'opening a data file',
      file,
      quantity: 'readable file',
      got,
      expected: 'a file this process may read',
      cure: 'put the file back, or check its permissions',
      cause,
    });
  try {
    const status = statSync(file);
    // Asked before opening: opening a pipe would wait for a writer.
    if (!status.isFile()) throw refuse('something other than a file');
    if (status.size > maxBytes + PACKING_SLACK) throw tooLarge(file, `${status.size} bytes`, maxBytes);
    return readFileSync(file);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw refuse(String(codeOf(cause) ?? cause), cause);
  }
}

const isGzip = (bytes: Uint8Array): boolean => bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;

function tooLarge(file: string, got: string, maxBytes: number): DataError {
  return new DataError({
    operation: 'reading a data file',
    file,
    // The first byte too many.
    offset: maxBytes,
    quantity: 'size after decompression',
    got,
    expected: `at most ${maxBytes} bytes`,
    cure: 'this is not the file its name says; replace it with the original',
  });
}

/** @throws DataError for a bomb, a damaged or cut stream, or bytes behind the stream. */
function gunzip(stored: Uint8Array, file: string, maxBytes: number): Uint8Array {
  let unpacked: { buffer: Uint8Array; engine: { bytesWritten: number } };
  try {
    // `info` tells how much of the input was consumed: Node passes over zeros behind the stream without a word.
    unpacked = gunzipSync(stored, {
      maxOutputLength: maxBytes,
      info: true,
    }) as unknown as typeof unpacked;
  } catch (cause) {
    if (codeOf(cause) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(file, `more than ${maxBytes} bytes`, maxBytes);
    throw new DataError({
      operation: 'decompressing a data file',
      file,
      // zlib does not say where: the stream as a whole is at fault.
      offset: 0,
      quantity: 'gzip stream',
      got: cause instanceof Error ? cause.message : String(cause),
      expected: 'a whole stream with a matching checksum',
      cure: REPLACE,
      cause,
    });
  }
  const consumed = unpacked.engine.bytesWritten;
  if (consumed !== stored.length) {
    throw new DataError({
      operation: 'decompressing a data file',
      file,
      offset: consumed,
      quantity: 'bytes behind the gzip stream',
      got: stored.length - consumed,
      expected: 0,
      cure: REPLACE,
    });
  }
  return unpacked.buffer;
}

const codeOf = (cause: unknown): unknown => (cause instanceof Error && 'code' in cause ? cause.code : undefined);

/**
 * The array that `contents` (decompressed) holds; its values are a view, not a copy. `file` only names it in errors.
 * @throws DataError naming the byte at which the contents stop being an array of uint8 with `rank` dimensions.
 */
export function parseIdx(contents: Uint8Array, file: string, rank: number): IdxArray {
  const refuse = (parts: Pick<DataErrorParts, 'quantity' | 'got' | 'expected'> & { offset: number }): never => {
    throw new DataError({ operation: 'reading an IDX file', file, cure: REPLACE, ...parts });
  };
  const header = idxHeaderBytes(rank);
  if (contents.length < 4) {
    refuse({ offset: contents.length, quantity: 'length', got: contents.length, expected: `at least ${header} bytes` });
  }
  const view = new DataView(contents.buffer, contents.byteOffset, contents.byteLength);
  const magic = view.getUint16(0);
  if (magic !== 0) refuse({ offset: 0, quantity: 'magic number', got: hex(magic, 4), expected: '0x0000' });
  const type = contents[2];
  if (type !== UINT8) refuse({ offset: 2, quantity: 'type', got: hex(type, 2), expected: `${hex(UINT8, 2)} (uint8)` });
  if (contents[3] !== rank) {
    refuse({ offset: 3, quantity: 'number of dimensions', got: contents[3], expected: rank });
  }
  if (contents.length < header) {
    refuse({ offset: contents.length, quantity: 'length', got: contents.length, expected: `at least ${header} bytes` });
  }
  const dimensions = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const empty = dimensions.indexOf(0);
  if (empty !== -1) {
    refuse({ offset: 4 + 4 * empty, quantity: `size of dimension ${empty}`, got: 0, expected: 'at least 1' });
  }
  // Rounds above 2^53, where no file's length can equal it anyway.
  const length = header + dimensions.reduce((product, size) => product * size, 1);
  if (contents.length !== length) {
    const fault = contents.length < length ? 'length (the file is cut short)' : 'length (bytes follow the array)';
    refuse({
      offset: Math.min(contents.length, length),
      quantity: fault,
      got: `${contents.length} bytes`,
      expected: `${length} bytes for dimensions ${dimensions.join(' × ')}`,
    });
  }
  return { dimensions, values: contents.subarray(header) };
}

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;
