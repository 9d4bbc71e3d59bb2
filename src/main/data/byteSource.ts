import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Inflate } from 'pako';
import { DataError, type DataErrorParts } from './dataError.ts';

/** Bytes in order, read as they are asked for: what is larger than memory, or packed, is never held whole. */
export interface ByteSource {
  /** What errors name. */
  readonly file: string;
  /** Bytes read so far. */
  readonly position: number;
  /** The next bytes, `count` of them, fewer only at the end. They hold until the next call. @throws DataError */
  read(count: number): Uint8Array;
}

/** Of a read from disk, and of what is given to unpacking at once: unpacked it can be a thousand times as long. */
const PIECE = 1 << 14;
/** zlib's word for input that ends too early. */
const Z_BUF_ERROR = -5;
export const REPLACE = 'replace the file with an undamaged copy';

/** Refuses what was read at a place of a source. */
export function damaged(
  { file, position }: Pick<ByteSource, 'file' | 'position'>,
  parts: Omit<DataErrorParts, 'file' | 'offset' | 'cure'> & { readonly offset?: number },
): DataError {
  return new DataError({ file, offset: position, cure: REPLACE, ...parts });
}

/** A file from its beginning. @throws DataError where it cannot be opened; `close` must be called */
export class FileSource implements ByteSource {
  readonly file: string;
  position = 0;
  private readonly descriptor: number;
  private buffer = new Uint8Array(PIECE);

  constructor(file: string) {
    this.file = file;
    let descriptor: number | null = null;
    try {
      descriptor = openSync(file, 'r');
      if (!fstatSync(descriptor).isFile()) throw new Error('it is no file');
    } catch (cause) {
      if (descriptor !== null) closeSync(descriptor);
      throw this.unreadable(cause);
    }
    this.descriptor = descriptor;
  }

  read(count: number): Uint8Array {
    if (count > this.buffer.length) this.buffer = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const got = this.readInto(filled, count - filled);
      if (got === 0) break;
      filled += got;
    }
    this.position += filled;
    return this.buffer.subarray(0, filled);
  }

  private readInto(offset: number, count: number): number {
    try {
      return readSync(this.descriptor, this.buffer, offset, count, null);
    } catch (cause) {
      throw this.unreadable(cause);
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private unreadable(cause: unknown): DataError {
    return new DataError({
      operation: 'opening a data file',
      file: this.file,
      quantity: 'readable file',
      got: cause instanceof Error ? cause.message : String(cause),
      expected: 'a file that this user may read',
      cure: 'check its path and permissions',
      cause,
    });
  }
}

/**
 * What a zlib or gzip stream unpacks to; which of both its first bytes say. Its checksum is checked where it ends. No more is unpacked than is asked
 * for, but for what one piece of the packed file holds.
 */
export class UnpackedSource implements ByteSource {
  readonly file: string;
  position = 0;
  private readonly packed: ByteSource;
  private readonly chunks: Uint8Array[] = [];
  private available = 0;
  private readonly inflate = new Inflate({ chunkSize: 1 << 16 });

  constructor(packed: ByteSource) {
    this.packed = packed;
    this.file = packed.file;
    this.inflate.onData = (chunk) => {
      this.chunks.push(chunk);
      this.available += chunk.length;
    };
    this.inflate.onEnd = () => undefined;
  }

  read(count: number): Uint8Array {
    while (this.available < count && this.unpackMore());
    const taken = this.take(Math.min(count, this.available));
    this.position += taken.length;
    return taken;
  }

  /** False at the end. @throws DataError for a stream that is damaged or cut off */
  private unpackMore(): boolean {
    if (this.isOver()) return false;
    const piece = this.packed.read(PIECE);
    this.inflate.push(piece, piece.length < PIECE);
    const isCutOff = piece.length < PIECE && (this.inflate.err === Z_BUF_ERROR || !this.isOver());
    if (isCutOff) throw this.broken('one whose end is missing');
    if (this.inflate.err !== 0) throw this.broken(this.inflate.msg || `zlib status ${this.inflate.err}`);
    return true;
  }

  private isOver(): boolean {
    return this.inflate.ended;
  }

  private broken(got: string): DataError {
    return damaged(this, { operation: 'unpacking', quantity: 'compressed stream', got, expected: 'a whole one' });
  }

  private take(count: number): Uint8Array {
    this.available -= count;
    const first = this.chunks[0];
    if (count === 0 || first.length >= count) {
      if (count > 0) this.chunks[0] = first.subarray(count);
      return count === 0 ? new Uint8Array(0) : first.subarray(0, count);
    }
    const taken = new Uint8Array(count);
    for (let filled = 0; filled < count;) {
      const chunk = this.chunks[0];
      const part = chunk.subarray(0, count - filled);
      taken.set(part, filled);
      filled += part.length;
      if (part.length === chunk.length) this.chunks.shift();
      else this.chunks[0] = chunk.subarray(part.length);
    }
    return taken;
  }
}

/** The next `size` bytes of another source, as a source of their own. */
export class PartSource implements ByteSource {
  readonly file: string;
  position = 0;
  private readonly whole: ByteSource;
  private readonly size: number;

  constructor(whole: ByteSource, size: number, name = whole.file) {
    this.whole = whole;
    this.size = size;
    this.file = name;
  }

  read(count: number): Uint8Array {
    const got = this.whole.read(Math.min(count, this.size - this.position));
    this.position += got.length;
    return got;
  }
}

/** Exactly so many bytes. @throws DataError where fewer are left */
export function readExactly(source: ByteSource, count: number, what: string): Uint8Array {
  const start = source.position;
  const bytes = source.read(count);
  if (bytes.length === count) return bytes;
  const parts = { operation: `reading ${what}`, quantity: 'bytes left', got: bytes.length, expected: count };
  throw damaged(source, { ...parts, offset: start });
}

/** Hands on the next `size` bytes piece by piece, each with its offset from where this began. @throws DataError where fewer are left */
export function readPieces(
  source: ByteSource,
  { size, what }: { readonly size: number; readonly what: string },
  sink: (piece: Uint8Array, offset: number) => void,
): void {
  for (let offset = 0; offset < size;) {
    const piece = readExactly(source, Math.min(1 << 16, size - offset), what);
    sink(piece, offset);
    offset += piece.length;
  }
}

/** @throws DataError where anything is left */
export function expectEnd(source: ByteSource, what: string): void {
  const at = source.position;
  if (source.read(1).length === 0) return;
  const parts = { operation: `reading ${what}`, quantity: 'contents', got: 'more bytes', expected: 'the end' };
  throw damaged(source, { ...parts, offset: at });
}

/** Opens a file for a reader and closes it whatever happens. */
export function withFile<T>(file: string, body: (source: ByteSource) => T): T {
  const source = new FileSource(file);
  try {
    return body(source);
  } finally {
    source.close();
  }
}
