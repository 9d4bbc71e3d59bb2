import { checkDimensions, refusalsOf } from './imageError.ts';
import type { PngChunk } from './pngChunks.ts';

export interface PngHeader {
  readonly height: number;
  readonly width: number;
  /** Bits a sample. */
  readonly depth: number;
  readonly colour: PngColour;
  readonly interlaced: boolean;
}

/** PNG 1.2 §4.1.1: samples a pixel, and the depths that a colour type may have. */
const COLOURS = {
  0: { name: 'grey', samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { name: 'rgb', samples: 3, depths: [8, 16] },
  3: { name: 'palette', samples: 1, depths: [1, 2, 4, 8] },
  4: { name: 'grey-alpha', samples: 2, depths: [8, 16] },
  6: { name: 'rgb-alpha', samples: 4, depths: [8, 16] },
} as const;
export type PngColour = (typeof COLOURS)[keyof typeof COLOURS];

/** First column and row, and steps, of the passes of an interlaced image (PNG 1.2 §2.6). */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/**
 * The header of a PNG file.
 * @throws DataError for what the format does not allow, and for images too large to decode
 */
export function pngHeader([first]: readonly PngChunk[], file: string): PngHeader {
  const refuse = refusalsOf('PNG', file);
  if (first.type !== 'IHDR' || first.data.length !== 13) {
    throw refuse({
      offset: first.offset,
      quantity: 'first chunk',
      got: `${JSON.stringify(first.type)} of ${first.data.length} bytes`,
      expected: '"IHDR" of 13 bytes',
    });
  }
  const { data, offset } = first;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, type, compression, filter, interlace] = data.subarray(8);
  checkDimensions({ height, width, offset }, refuse);
  const colour = Object.hasOwn(COLOURS, type) ? COLOURS[type as keyof typeof COLOURS] : undefined;
  if (!colour?.depths.some((allowed) => allowed === depth)) {
    throw refuse({
      offset: offset + 8,
      quantity: 'bits a sample, colour type',
      got: `${depth}, ${type}`,
      expected: Object.entries(COLOURS)
        .map(([key, { name, depths }]) => `${depths.join('|')}, ${key} (${name})`)
        .join('; '),
    });
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw refuse({
      offset: offset + 10,
      quantity: 'methods of compression, filter, interlacing',
      got: `${compression}, ${filter}, ${interlace}`,
      expected: '0, 0, 0 or 1',
    });
  }
  return { height, width, depth, colour, interlaced: interlace === 1 };
}

/** Pixels that follow each other in the file: all of them, or those of one of seven passes. */
export interface PngPass {
  readonly firstRow: number;
  readonly firstColumn: number;
  readonly rowStep: number;
  readonly columnStep: number;
  readonly rows: number;
  readonly columns: number;
  /** Without the filter's. */
  readonly bytesPerRow: number;
}

/** The passes of an image that have any pixels. */
export function passesOf({ height, width, depth, colour, interlaced }: PngHeader): PngPass[] {
  const passes = interlaced ? ADAM7 : [[0, 0, 1, 1] as const];
  return passes.flatMap(([firstColumn, firstRow, columnStep, rowStep]) => {
    const columns = Math.ceil((width - firstColumn) / columnStep);
    const rows = Math.ceil((height - firstRow) / rowStep);
    const bytesPerRow = Math.ceil((columns * colour.samples * depth) / 8);
    return columns < 1 || rows < 1 ? [] : [{ firstRow, firstColumn, rowStep, columnStep, rows, columns, bytesPerRow }];
  });
}

/** Bytes of the image after decompression: each row of each pass with its filter's. */
export function unpackedBytes(header: PngHeader): number {
  return passesOf(header).reduce((sum, { rows, bytesPerRow }) => sum + rows * (1 + bytesPerRow), 0);
}
