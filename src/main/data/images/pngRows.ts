import { refusalsOf } from './imageError.ts';
import { passesOf, type PngHeader, type PngPass } from './pngHeader.ts';

/** Filters of a row by their numbers (PNG 1.2 §6). */
const FILTERS = 5;

/**
 * The samples of an image, [height × width × samples a pixel], from its rows as they are after decompression: each pass's, a filter's
 * number before each.
 * @param rows as many bytes as the passes have
 * @throws DataError for a filter that there is not
 */
export function pngSamples(rows: Uint8Array, header: PngHeader, file: string): Uint8Array | Uint16Array {
  const { height, width, depth, colour } = header;
  const bytesPerPixel = Math.max(1, (colour.samples * depth) / 8);
  const size = height * width * colour.samples;
  const out = depth === 16 ? new Uint16Array(size) : new Uint8Array(size);
  let at = 0;
  for (const pass of passesOf(header)) {
    const end = at + pass.rows * (1 + pass.bytesPerRow);
    const packed = unfiltered(rows.subarray(at, end), { pass, bytesPerPixel, file });
    if (!header.interlaced && depth === 8) return packed;
    place(packed, { pass, header, out });
    at = end;
  }
  return out;
}

interface Filtered {
  readonly pass: PngPass;
  readonly bytesPerPixel: number;
  readonly file: string;
}

/** The rows of a pass without their filters, [rows × bytes a row]. */
function unfiltered(filtered: Uint8Array, { pass, bytesPerPixel, file }: Filtered): Uint8Array {
  const length = pass.bytesPerRow;
  const out = new Uint8Array(pass.rows * length);
  let above: Uint8Array = new Uint8Array(length);
  for (let r = 0; r < pass.rows; r++) {
    const from = r * (length + 1);
    const filter = filtered[from];
    if (filter >= FILTERS) {
      throw refusalsOf('PNG', file)({ quantity: `filter of row ${r}`, got: filter, expected: `0 to ${FILTERS - 1}` });
    }
    const row = out.subarray(r * length, (r + 1) * length);
    row.set(filtered.subarray(from + 1, from + 1 + length));
    unfilter(filter, row, { above, bytesPerPixel });
    above = row;
  }
  return out;
}

/** Undoes a filter in place. Left of the first pixel and above the first row everything is 0. */
function unfilter(
  filter: number,
  row: Uint8Array,
  { above, bytesPerPixel: step }: { readonly above: Uint8Array; readonly bytesPerPixel: number },
): void {
  const { length } = row;
  switch (filter) {
    case 1:
      for (let i = step; i < length; i++) row[i] += row[i - step];
      return;
    case 2:
      for (let i = 0; i < length; i++) row[i] += above[i];
      return;
    case 3:
      for (let i = 0; i < length; i++) row[i] += ((i < step ? 0 : row[i - step]) + above[i]) >> 1;
      return;
    case 4:
      for (let i = 0; i < length; i++) {
        row[i] += i < step ? above[i] : paeth(row[i - step], above[i], above[i - step]);
      }
  }
}

/** Of left, above and upper left the one nearest to left + above − upper left, the first of equals. */
function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

interface Placing {
  readonly pass: PngPass;
  readonly header: PngHeader;
  readonly out: Uint8Array | Uint16Array;
}

/** Puts the samples of a pass where they belong in the image. */
function place(packed: Uint8Array, { pass, header, out }: Placing): void {
  const { width, depth, colour } = header;
  for (let r = 0; r < pass.rows; r++) {
    const row = packed.subarray(r * pass.bytesPerRow, (r + 1) * pass.bytesPerRow);
    const firstOfRow = (pass.firstRow + r * pass.rowStep) * width + pass.firstColumn;
    for (let c = 0; c < pass.columns; c++) {
      const to = (firstOfRow + c * pass.columnStep) * colour.samples;
      for (let s = 0; s < colour.samples; s++) out[to + s] = sampleOf(row, c * colour.samples + s, depth);
    }
  }
}

/** Samples of fewer than 8 bits begin at the high bits of a byte; those of 16 have the high byte first. */
function sampleOf(row: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return row[index];
  if (depth === 16) return 256 * row[2 * index] + row[2 * index + 1];
  const bit = index * depth;
  return (row[bit >> 3] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}
