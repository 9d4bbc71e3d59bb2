import type { RepresentationCache } from '../../data/representationCache.ts';
import { spilled, type RowFile } from '../../data/rowFile.ts';

/** Rows of numbers, [count, D]: one draw of every image. */
export interface RowsShape {
  readonly count: number;
  /** D */
  readonly dimension: number;
  readonly precision: 'float32' | 'float16';
}

export interface KeptRows {
  /** Copies a row to a place. */
  read(row: number, into: Float32Array, at: number): void;
  dispose(): void;
}

export interface RowsToKeep {
  readonly shape: RowsShape;
  readonly name: string;
  readonly cache: RepresentationCache | null;
  readonly isStreamed: boolean;
  /** [count, D], where they are not in the cache. */
  readonly compute: () => Promise<Float32Array>;
}

/** The same numbers whether they are in memory or on disk, come from the cache or were just computed: what is kept is what is read. */
export async function keptRows({ shape, name, cache, isStreamed, compute }: RowsToKeep): Promise<KeptRows> {
  if (!isStreamed) {
    const bytes = cache?.read(name, bytesOfRows(shape)) ?? null;
    if (bytes !== null) return inMemory(shape, bytes);
    const computed = packed(shape, await compute());
    cache?.write(name, computed);
    return inMemory(shape, computed);
  }
  const opened = cache?.open(name, bytesOfRows(shape)) ?? null;
  if (opened !== null) return onDisk(shape, opened);
  const computed = packed(shape, await compute());
  cache?.write(name, computed);
  // A cache that is too small, or on a full disk, does not have it.
  return onDisk(shape, cache?.open(name, computed.length) ?? spilled(computed));
}

const ARRAYS = { float32: Float32Array, float16: Float16Array } as const;

const bytesOfRows = ({ count, dimension, precision }: RowsShape): number =>
  count * dimension * ARRAYS[precision].BYTES_PER_ELEMENT;

function packed({ precision }: RowsShape, values: Float32Array): Uint8Array<ArrayBuffer> {
  const array = new ARRAYS[precision](values.length);
  array.set(values);
  return new Uint8Array(array.buffer);
}

function inMemory({ dimension, precision }: RowsShape, bytes: Uint8Array<ArrayBuffer>): KeptRows {
  const values = new ARRAYS[precision](bytes.buffer, bytes.byteOffset);
  return {
    read: (row, into, at) => into.set(values.subarray(row * dimension, (row + 1) * dimension), at),
    dispose: () => undefined,
  };
}

function onDisk({ dimension, precision }: RowsShape, file: RowFile): KeptRows {
  const row = new ARRAYS[precision](dimension);
  const bytes = new Uint8Array(row.buffer);
  return {
    read: (index, into, at) => {
      file.read(bytes, index * bytes.length);
      into.set(row, at);
    },
    dispose: () => file.close(),
  };
}
