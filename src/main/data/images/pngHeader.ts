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
 * @throws DataError for what the format does not allow, for images too large to decode, and for interlaced images of fewer
 *   than 8 bits, which the decoder gets wrong
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
  if (interlace === 1 && depth < 8) {
    throw refuse({
      offset: offset + 8,
      quantity: 'bits a sample of an interlaced image',
      got: depth,
      expected: '8 or 16',
      cure: 'save the image without interlacing',
    });
  }
  return { height, width, depth, colour, interlaced: interlace === 1 };
}

/** Bytes of the image after decompression: each row of each pass with its filter's byte. */
export function unpackedBytes({ height, width, depth, colour, interlaced }: PngHeader): number {
  const passes = interlaced ? ADAM7 : [[0, 0, 1, 1] as const];
  return passes.reduce((sum, [x, y, dx, dy]) => {
    const columns = Math.ceil((width - x) / dx);
    const rows = Math.ceil((height - y) / dy);
    return columns < 1 || rows < 1 ? sum : sum + rows * (1 + Math.ceil((columns * colour.samples * depth) / 8));
  }, 0);
}
