import { inflateSync } from 'node:zlib';
import { refusalsOf, type DecodedImage } from './imageError.ts';
import { pngChunks, type PngChunk } from './pngChunks.ts';
import { pngHeader, unpackedBytes, type PngHeader } from './pngHeader.ts';
import { pngSamples } from './pngRows.ts';

/** Most bytes after decompression: an image of the most pixels with 8 bits in four channels. */
const MAX_UNPACKED_BYTES = 2 ** 26 + 2 ** 13;

interface Parts {
  readonly header: PngHeader;
  /** IDAT, joined. */
  readonly packed: Uint8Array;
  readonly palette: PngChunk | null;
  readonly transparency: PngChunk | null;
}

/**
 * A PNG image as grey or RGB (palettes as RGB). Depths below 8 are spread over 0 … 255, 16 bits are rounded to the nearest of 256 levels.
 * Alpha is dropped where every pixel is opaque. Gamma and colour profiles are passed over.
 * @param file names the image in errors
 * @throws DataError for a damaged file, one that is not PNG as the standard has it, and one with a pixel that is not opaque
 */
export function decodePng(bytes: Uint8Array, file: string): DecodedImage {
  const parts = partsOf(pngChunks(bytes, file), file);
  const samples = pngSamples(unpackedRows(parts, file), parts.header, file);
  const { height, width, colour } = parts.header;
  const image = (channels: 1 | 3, values: Uint8Array): DecodedImage => ({ height, width, channels, values });
  switch (colour.name) {
    case 'grey':
      checkNoKey(parts, samples, file);
      return image(1, toBytes(samples, parts.header));
    case 'rgb':
      checkNoKey(parts, samples, file);
      return image(3, toBytes(samples, parts.header));
    case 'palette':
      return image(3, fromPalette(parts, samples, file));
    case 'grey-alpha':
    case 'rgb-alpha':
      return image(colour.samples === 2 ? 1 : 3, toBytes(withoutAlpha(parts.header, samples, file), parts.header));
  }
}

/** @throws DataError for chunks that the standard does not allow, or not so */
function partsOf(chunks: readonly PngChunk[], file: string): Parts {
  const refuse = refusalsOf('PNG', file);
  const header = pngHeader(chunks, file);
  const known = new Set(['IHDR', 'PLTE', 'IDAT', 'IEND']);
  const of = (type: string): PngChunk[] => chunks.filter((chunk) => chunk.type === type);
  for (const { type, offset } of chunks) {
    // An upper-case first letter says that an image cannot be shown without knowing the chunk.
    if (!known.has(type) && !/^[a-z]/.test(type)) {
      throw refuse({ offset, quantity: 'chunk', got: JSON.stringify(type), expected: [...known].join(', ') });
    }
  }
  for (const type of ['IHDR', 'PLTE', 'tRNS']) {
    const second = of(type).at(1);
    if (second !== undefined) {
      throw refuse({ offset: second.offset, quantity: `chunks ${type}`, got: of(type).length, expected: 1 });
    }
  }
  const palette = of('PLTE').at(0) ?? null;
  if (header.colour.name === 'palette') checkPalette(palette, header, file);
  const packed = Buffer.concat(of('IDAT').map(({ data }) => data));
  return { header, packed, palette, transparency: of('tRNS').at(0) ?? null };
}

function checkPalette(palette: PngChunk | null, { depth }: PngHeader, file: string): void {
  const length = palette?.data.length ?? 0;
  if (length >= 3 && length % 3 === 0 && length <= 3 * 2 ** depth) return;
  throw refusalsOf(
    'PNG',
    file,
  )({
    ...(palette === null ? {} : { offset: palette.offset }),
    quantity: 'bytes of the palette',
    got: length,
    expected: `a multiple of 3 from 3 to ${3 * 2 ** depth}`,
  });
}

/** The rows with their filters, unpacked to the length that the header gives and no further. @throws DataError */
function unpackedRows({ header, packed }: Parts, file: string): Uint8Array {
  const refuse = refusalsOf('PNG', file);
  const expected = unpackedBytes(header);
  const quantity = 'bytes of the image after decompression';
  if (expected > MAX_UNPACKED_BYTES) {
    throw refuse({
      quantity,
      got: expected,
      expected: `at most ${MAX_UNPACKED_BYTES}`,
      cure: 'make the image smaller',
    });
  }
  let rows: Uint8Array;
  try {
    rows = inflateSync(packed, { maxOutputLength: expected });
  } catch (cause) {
    if (codeOf(cause) === 'ERR_BUFFER_TOO_LARGE') throw refuse({ quantity, got: 'more', expected }, cause);
    const got = cause instanceof Error ? cause.message : String(cause);
    throw refuse({ quantity: 'compressed data', got, expected: 'a whole zlib stream with a matching checksum' }, cause);
  }
  if (rows.length !== expected) throw refuse({ quantity, got: rows.length, expected });
  return rows;
}

const codeOf = (cause: unknown): unknown => (cause instanceof Error && 'code' in cause ? cause.code : undefined);

/** The nearest of 256 levels. */
function toBytes(samples: Uint8Array | Uint16Array, { depth }: PngHeader): Uint8Array {
  if (depth === 8 && samples instanceof Uint8Array) return samples;
  const scale = 255 / (2 ** depth - 1);
  return Uint8Array.from(samples, (sample) => Math.floor(sample * scale + 0.5));
}

function notOpaque({ width }: PngHeader, pixel: number, file: string) {
  return refusalsOf(
    'PNG',
    file,
  )({
    quantity: `pixel at row ${Math.floor(pixel / width)}, column ${pixel % width}`,
    got: 'wholly or partly transparent',
    expected: 'opaque',
    cure: 'put the image on a background of your choice and save it without an alpha channel',
  });
}

/** A colour that counts as transparent (tRNS of grey and RGB images). @throws DataError where a pixel has it */
function checkNoKey({ header, transparency }: Parts, samples: ArrayLike<number>, file: string): void {
  if (transparency === null) return;
  const channels = header.colour.samples;
  const { data, offset } = transparency;
  if (data.length !== 2 * channels) {
    throw refusalsOf('PNG', file)({ offset, quantity: 'bytes of tRNS', got: data.length, expected: 2 * channels });
  }
  const key = Array.from({ length: channels }, (_, c) => 256 * data[2 * c] + data[2 * c + 1]);
  for (let pixel = 0; pixel * channels < samples.length; pixel++) {
    if (key.every((value, c) => samples[pixel * channels + c] === value)) throw notOpaque(header, pixel, file);
  }
}

/** [n, C + 1] → [n, C]. @throws DataError for a pixel that is not opaque */
function withoutAlpha(header: PngHeader, samples: Uint8Array | Uint16Array, file: string): Uint8Array | Uint16Array {
  const { depth, colour } = header;
  const channels = colour.samples - 1;
  const pixels = samples.length / colour.samples;
  const out = depth === 16 ? new Uint16Array(pixels * channels) : new Uint8Array(pixels * channels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const from = pixel * colour.samples;
    if (samples[from + channels] !== 2 ** depth - 1) throw notOpaque(header, pixel, file);
    for (let c = 0; c < channels; c++) out[pixel * channels + c] = samples[from + c];
  }
  return out;
}

/** [n, 3]. @throws DataError for an index beyond the palette, or a colour that is not opaque */
function fromPalette({ header, palette, transparency }: Parts, indices: ArrayLike<number>, file: string): Uint8Array {
  const colours = palette!.data;
  const out = new Uint8Array(3 * indices.length);
  for (let pixel = 0; pixel < indices.length; pixel++) {
    const index = indices[pixel];
    if (3 * index >= colours.length) {
      throw refusalsOf(
        'PNG',
        file,
      )({ quantity: 'index into the palette', got: index, expected: `0 to ${colours.length / 3 - 1}` });
    }
    if ((transparency?.data.at(index) ?? 255) !== 255) throw notOpaque(header, pixel, file);
    out.set(colours.subarray(3 * index, 3 * index + 3), 3 * pixel);
  }
  return out;
}
