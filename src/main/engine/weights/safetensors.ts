import type { NamedArray, NamedArrays } from '../models/arrays.ts';

/** Header length is a little-endian u64; real headers are far below this. */
const LARGEST_HEADER = 100_000_000;

/** The header's one entry that is no tensor. */
const METADATA = '__metadata__';

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/**
 * A safetensors file: named float32 arrays and string metadata. Names are sorted, so equal content gives equal bytes.
 * @throws RangeError for an array whose length is not that of its shape, or one called "__metadata__"
 */
export function encodeSafetensors(arrays: NamedArrays, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const names = Object.keys(arrays).sort();
  let offset = 0;
  const entries = names.map((name): [string, Entry] => {
    const { shape, data } = arrays[name];
    requireEncodable(name, arrays[name]);
    const start = offset;
    offset += data.length * 4;
    return [name, { dtype: 'F32', shape, data_offsets: [start, offset] }];
  });
  const header = new TextEncoder().encode(
    JSON.stringify({ [METADATA]: sorted(metadata), ...Object.fromEntries(entries) }),
  );
  // The format pads the header with spaces so that the data is aligned.
  const text = new Uint8Array(Math.ceil(header.length / 8) * 8).fill(0x20);
  text.set(header);
  const bytes = new Uint8Array(8 + text.length + offset);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  names.forEach((name, i) => {
    const base = 8 + text.length + entries[i][1].data_offsets[0];
    arrays[name].data.forEach((value, j) => view.setFloat32(base + 4 * j, value, true));
  });
  return bytes;
}

function requireEncodable(name: string, { shape, data }: NamedArray): void {
  if (name === METADATA) {
    throw new RangeError(`writing weights: got an array called "${METADATA}", expected any other name; rename it`);
  }
  const size = shape.reduce((product, n) => product * n, 1);
  if (data.length !== size) {
    throw new RangeError(
      `writing weights: got ${data.length} values in "${name}", expected ${size} for shape [${shape.join(', ')}]; pass all of them`,
    );
  }
}

const sorted = (record: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * Reads what encodeSafetensors, or any other writer of float32 safetensors, wrote. As in the reference implementation the
 * tensors must fill the data exactly, without holes or overlaps.
 * @throws WeightsError naming what is wrong
 */
export function decodeSafetensors(bytes: Uint8Array): {
  arrays: NamedArrays;
  metadata: Readonly<Record<string, string>>;
} {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8) throw new WeightsError(`file has ${bytes.length} bytes, a header length needs 8`);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > Math.min(LARGEST_HEADER, bytes.length - 8)) {
    throw new WeightsError(`header length ${headerLength} exceeds the file's ${bytes.length} bytes`);
  }
  const { [METADATA]: metadata = {}, ...rest } = parseHeader(bytes.subarray(8, 8 + headerLength));
  const entries = Object.entries(rest).map(([name, value]): [string, Entry] => [name, checkedEntry(name, value)]);
  const base = 8 + headerLength;
  requireFilled(entries, bytes.length - base);
  const arrays = entries.map(([name, entry]): [string, NamedArray] => [name, readEntry(view, base, entry)]);
  return { arrays: Object.fromEntries(arrays), metadata: checkedMetadata(metadata) };
}

function parseHeader(text: Uint8Array): Readonly<Record<string, unknown>> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (error) {
    throw new WeightsError(`header is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  if (!isObject(header)) throw new WeightsError(`header is ${kindOf(header)}, expected an object`);
  return header;
}

function checkedMetadata(metadata: unknown): Readonly<Record<string, string>> {
  if (!isObject(metadata)) throw new WeightsError(`${METADATA} is ${kindOf(metadata)}, expected an object of strings`);
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw new WeightsError(`metadata "${name}" is ${kindOf(value)}, expected a string`);
  }
  return metadata as Record<string, string>;
}

function checkedEntry(name: string, entry: unknown): Entry {
  if (!isObject(entry)) throw new WeightsError(`tensor "${name}" is ${kindOf(entry)}, expected an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (dtype !== 'F32')
    throw new WeightsError(`tensor "${name}" has dtype ${JSON.stringify(dtype)}, only "F32" is read`);
  if (!isCounts(shape)) {
    throw new WeightsError(`tensor "${name}" has shape ${JSON.stringify(shape)}, expected an array of sizes`);
  }
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw new WeightsError(`tensor "${name}" has data_offsets ${JSON.stringify(offsets)}, expected two positions`);
  }
  const [start, end] = offsets;
  const size = shape.reduce((product, n) => product * n, 1);
  if (end - start !== size * 4) {
    throw new WeightsError(`tensor "${name}" of shape [${shape.join(', ')}] does not fit bytes ${start}–${end}`);
  }
  return { dtype, shape, data_offsets: [start, end] };
}

/** Tensors in the order of their data, each beginning where the one before ends, the last at the end of the file. */
function requireFilled(entries: readonly [string, Entry][], length: number): void {
  const inOrder = entries.toSorted(([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1]);
  let filled = 0;
  for (const [name, { data_offsets: offsets }] of inOrder) {
    const [start, end] = offsets;
    if (start !== filled) throw new WeightsError(`tensor "${name}" begins at byte ${start}, expected ${filled}`);
    filled = end;
  }
  if (filled !== length) throw new WeightsError(`tensors end at byte ${filled} of the data, the file has ${length}`);
}

function readEntry(view: DataView, base: number, { shape, data_offsets: [start, end] }: Entry): NamedArray {
  const length = (end - start) / 4;
  return { shape, data: Float32Array.from({ length }, (_, i) => view.getFloat32(base + start + 4 * i, true)) };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCounts = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);

const kindOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

/** A weights file that is no safetensors file of float32 arrays. */
export class WeightsError extends Error {
  override readonly name = 'WeightsError';
  constructor(problem: string) {
    super(`reading weights: ${problem}; the file is damaged or was not written by this program`);
  }
}
