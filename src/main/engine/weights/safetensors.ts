import type { NamedArray, NamedArrays } from '../models/arrays.ts';

/** Header length is a little-endian u64; real headers are far below this. */
const LARGEST_HEADER = 100_000_000;

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/**
 * A safetensors file: named float32 arrays and string metadata. Names are sorted, so equal content gives equal bytes.
 */
export function encodeSafetensors(arrays: NamedArrays, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const names = Object.keys(arrays).sort();
  let offset = 0;
  const entries = names.map((name): [string, Entry] => {
    const { shape, data } = arrays[name];
    const start = offset;
    offset += data.length * 4;
    return [name, { dtype: 'F32', shape, data_offsets: [start, offset] }];
  });
  const header = new TextEncoder().encode(
    JSON.stringify({ __metadata__: sorted(metadata), ...Object.fromEntries(entries) }),
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

const sorted = (record: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * Reads what encodeSafetensors, or any other writer of float32 safetensors, wrote.
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
  const { __metadata__: metadata = {}, ...entries } = parseHeader(bytes.subarray(8, 8 + headerLength));
  const arrays: Record<string, NamedArray> = {};
  for (const [name, entry] of Object.entries(entries)) {
    arrays[name] = readEntry(view, 8 + headerLength, { name, entry: entry as unknown as Entry });
  }
  return { arrays, metadata: metadata as Record<string, string> };
}

function parseHeader(text: Uint8Array): Record<string, Record<string, unknown>> {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text)) as Record<
      string,
      Record<string, unknown>
    >;
  } catch (error) {
    throw new WeightsError(`header is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
}

function readEntry(view: DataView, base: number, { name, entry }: { name: string; entry: Entry }): NamedArray {
  if (entry.dtype !== 'F32') throw new WeightsError(`tensor "${name}" has dtype ${entry.dtype}, only F32 is read`);
  const [start, end] = entry.data_offsets;
  const size = entry.shape.reduce((product, n) => product * n, 1);
  if (end - start !== size * 4 || start < 0 || base + end > view.byteLength) {
    throw new WeightsError(`tensor "${name}" of shape [${entry.shape.join(', ')}] does not fit bytes ${start}–${end}`);
  }
  const data = Float32Array.from({ length: size }, (_, i) => view.getFloat32(base + start + 4 * i, true));
  return { shape: entry.shape, data };
}

/** A weights file that is no safetensors file of float32 arrays. */
export class WeightsError extends Error {
  override readonly name = 'WeightsError';
  constructor(problem: string) {
    super(`reading weights: ${problem}; the file is damaged or was not written by this program`);
  }
}
