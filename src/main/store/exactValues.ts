import { endianness } from 'node:os';
import { StoreError } from './errors.ts';

/**
 * Values that come back bit for bit. SQLite turns NaN into NULL, drops the sign of −0 in REAL columns, and JSON has no
 * number that is not finite; so arrays are BLOBs, numbers go to ANY columns, and JSON marks what it cannot write.
 */

export type NumericArray = Int32Array | Float32Array | Float64Array;
export type Dtype = 'int32' | 'float32' | 'float64';

const ARRAYS = { int32: Int32Array, float32: Float32Array, float64: Float64Array } as const;

export function dtypeOf(value: unknown): Dtype | null {
  if (value instanceof Int32Array) return 'int32';
  if (value instanceof Float32Array) return 'float32';
  if (value instanceof Float64Array) return 'float64';
  return null;
}

/** The array's elements in order, little-endian: the array's own memory where it is that already. */
export function toBlob(array: NumericArray): Buffer {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return endianness() === 'LE' ? bytes : swapped(Buffer.from(bytes), array.BYTES_PER_ELEMENT);
}

/** @throws StoreError 'damaged' when the bytes are no whole number of elements. */
export function fromBlob(dtype: 'int32', blob: Buffer): Int32Array;
export function fromBlob(dtype: 'float32', blob: Buffer): Float32Array;
export function fromBlob(dtype: Dtype, blob: Buffer): NumericArray;
export function fromBlob(dtype: Dtype, blob: Buffer): NumericArray {
  if (!Object.hasOwn(ARRAYS, dtype) || !Buffer.isBuffer(blob)) {
    throw new StoreError('damaged', `read array: got ${typeof blob} of type ${JSON.stringify(dtype)}, expected bytes`);
  }
  const Elements = ARRAYS[dtype];
  const size = Elements.BYTES_PER_ELEMENT;
  if (blob.byteLength % size !== 0) {
    throw new StoreError(
      'damaged',
      `read ${dtype} array: got ${blob.byteLength} bytes, expected a multiple of ${size}`,
    );
  }
  // A copy: SQLite's bytes may start at an address that the element type does not allow.
  const bytes = new Uint8Array(blob);
  if (endianness() === 'BE') swapped(Buffer.from(bytes.buffer), size);
  return new Elements(bytes.buffer);
}

/** In place. */
function swapped(bytes: Buffer, elementSize: number): Buffer {
  return elementSize === 8 ? bytes.swap64() : bytes.swap32();
}

/** A number for an ANY column: SQLite would make NULL of NaN. */
export function toReal(value: number): number | string {
  return Number.isNaN(value) ? 'NaN' : value;
}

export function fromReal(stored: number | string): number {
  if (typeof stored === 'number') return stored;
  if (stored === 'NaN') return NaN;
  throw new StoreError('damaged', `read number: got the text ${JSON.stringify(stored)}, expected a number or NaN`);
}

export function toNullableReal(value: number | null): number | string | null {
  return value === null ? null : toReal(value);
}

export function fromNullableReal(stored: number | string | null): number | null {
  return stored === null ? null : fromReal(stored);
}

/** The key of the object that stands for a number JSON has no text for. */
const MARK = '$number';

/**
 * JSON in which NaN, ±Infinity and −0 survive, each as `{"$number": "…"}`. Properties that are undefined are left out.
 * @throws StoreError 'invalid' for a value that JSON has no place for at the top, or that uses the mark itself.
 */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'number' && (!Number.isFinite(item) || Object.is(item, -0))) {
      return { [MARK]: Object.is(item, -0) ? '-0' : String(item) };
    }
    if (typeof item === 'object' && item !== null && Object.hasOwn(item, MARK) && !isMarked(item)) {
      throw new StoreError('invalid', `write JSON: the key "${MARK}" is reserved; give the property another name`);
    }
    return item;
  }) as string | undefined;
  if (text === undefined) {
    throw new StoreError('invalid', `write JSON: got ${typeof value}, expected a value that JSON can hold`);
  }
  return text;
}

/** @throws StoreError 'damaged' when the text is no JSON. */
export function fromJson(text: string): unknown {
  try {
    return JSON.parse(text, (_key, item: unknown) => (isMarked(item) ? Number(item[MARK]) : item));
  } catch (cause) {
    throw new StoreError('damaged', 'read JSON: a stored value is not JSON', cause);
  }
}

function isMarked(item: unknown): item is { readonly [MARK]: string } {
  if (typeof item !== 'object' || item === null || Object.keys(item).length !== 1) return false;
  const text = (item as Record<string, unknown>)[MARK];
  return text === 'NaN' || text === 'Infinity' || text === '-Infinity' || text === '-0';
}
