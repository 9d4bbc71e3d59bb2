/**
 * Values as JSON text that comes back the same: typed arrays as base64 of their little-endian bytes, and the numbers that JSON has
 * no text for. For transports that carry text; Electron's carry the values themselves.
 */

/** Of every runtime that this runs in, though of no ECMAScript edition yet. */
declare const btoa: (binary: string) => string;
declare const atob: (base64: string) => string;

const ARRAYS = {
  uint8: Uint8Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;
type Dtype = keyof typeof ARRAYS;

const ARRAY = '$array';
const NUMBER = '$number';

/** @throws TypeError for what has no text: functions, cycles, bigints, other typed arrays */
export function encode(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (ArrayBuffer.isView(item)) return encodeArray(item);
    if (typeof item === 'number' && (!Number.isFinite(item) || Object.is(item, -0))) {
      return { [NUMBER]: Object.is(item, -0) ? '-0' : String(item) };
    }
    return item;
  });
}

/** @throws SyntaxError for what is no JSON, TypeError for a mark with something else in it */
export function decode(text: string): unknown {
  return JSON.parse(text, (_key, item: unknown) => {
    if (typeof item !== 'object' || item === null) return item;
    if (NUMBER in item) return decodeNumber(item[NUMBER]);
    if (ARRAY in item) return decodeArray(item);
    return item;
  });
}

function encodeArray(view: ArrayBufferView): Record<string, string> {
  const dtype = (Object.keys(ARRAYS) as Dtype[]).find((name) => view.constructor === ARRAYS[name]);
  if (dtype === undefined)
    throw new TypeError(`encode: got ${view.constructor.name}, expected ${Object.keys(ARRAYS).join(', ')}`);
  return { [ARRAY]: dtype, data: toBase64(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)) };
}

function decodeArray({ [ARRAY]: dtype, data }: Record<string, unknown>): ArrayBufferView {
  if (typeof dtype !== 'string' || !Object.hasOwn(ARRAYS, dtype) || typeof data !== 'string') {
    throw new TypeError(`decode: got an array of ${String(dtype)}, expected ${Object.keys(ARRAYS).join(', ')}`);
  }
  const bytes = fromBase64(data);
  return new ARRAYS[dtype as Dtype](bytes.buffer);
}

function decodeNumber(text: unknown): number {
  if (text === 'NaN' || text === 'Infinity' || text === '-Infinity' || text === '-0') return Number(text);
  throw new TypeError(`decode: got the number ${JSON.stringify(text)}, expected NaN, Infinity, -Infinity or -0`);
}

/** btoa takes a string of bytes; arguments of one call are limited, so it is built in pieces. */
function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
