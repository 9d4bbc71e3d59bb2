import { checkDimensions, refusalsOf } from './imageError.ts';

export interface JpegHeader {
  readonly height: number;
  readonly width: number;
  /** 1 for grey, 3 for YCbCr or RGB. */
  readonly components: 1 | 3;
}

const SOS = 0xda;
/** Scans that an image may have; the writers' own scripts make about ten. More only cost time. */
const MAX_SCANS = 100;
/** What a frame header means, by its marker (ITU-T T.81 table B.1); null for the processes that are read. */
const PROCESSES: Readonly<Record<number, string | null>> = {
  0xc0: null,
  0xc1: null,
  0xc2: null,
  0xc3: 'lossless',
  0xc5: 'hierarchical',
  0xc6: 'hierarchical',
  0xc7: 'hierarchical',
  0xc9: 'arithmetic coding',
  0xca: 'arithmetic coding',
  0xcb: 'arithmetic coding',
  0xcd: 'hierarchical',
  0xce: 'hierarchical',
  0xcf: 'hierarchical',
};

export const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;

/**
 * The frame header of a JPEG file, before its EXIF orientation. Whatever the decoder could not bring to grey or RGB of 8 bits without a
 * guess, or would need much memory or time for, is refused here.
 * @throws DataError
 */
export function jpegHeader(bytes: Uint8Array, file: string): JpegHeader {
  const refuse = refusalsOf('JPEG', file);
  const { marker, offset, length } = frameHeader(bytes, file);
  const process = PROCESSES[marker];
  if (process !== null) {
    throw refuse({
      offset,
      quantity: 'coding process',
      got: process,
      expected: 'baseline or progressive, with Huffman codes',
      cure: 'save the image as ordinary JPEG or as PNG',
    });
  }
  const [precision, heightHigh, heightLow, widthHigh, widthLow, components] = bytes.subarray(offset);
  const [height, width] = [256 * heightHigh + heightLow, 256 * widthHigh + widthLow];
  if (length !== 6 + 3 * components) {
    throw refuse({ offset, quantity: 'bytes of the frame header', got: length, expected: 6 + 3 * components });
  }
  if (precision !== 8) {
    throw refuse({
      offset,
      quantity: 'bits a sample',
      got: precision,
      expected: 8,
      cure: 'save the image with 8 bits',
    });
  }
  checkDimensions({ height, width, offset: offset + 1 }, refuse);
  if (components !== 1 && components !== 3) {
    throw refuse({
      offset: offset + 5,
      quantity: 'colour components',
      got: components === 4 ? '4 (CMYK)' : components,
      expected: '1 (grey) or 3 (colour)',
      cure: 'convert the image to RGB, by its colour profile where it has one, and save it anew',
    });
  }
  checkEffort(bytes, { height, width, file });
  return { height, width, components };
}

interface Segment {
  readonly marker: number;
  /** Of its contents, behind the length. */
  readonly offset: number;
  readonly length: number;
}

/** The first start-of-frame segment. @throws DataError where the file ends, or scans begin, before there is one */
function frameHeader(bytes: Uint8Array, file: string): Segment {
  const refuse = refusalsOf('JPEG', file);
  for (let at = 2; ;) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
    const marker = bytes[at + 1];
    const length = 256 * bytes[at + 2] + bytes[at + 3] - 2;
    if (bytes[at] !== 0xff || !(length >= 0) || at + 4 + length > bytes.length) {
      throw refuse({
        offset: Math.min(at, bytes.length),
        quantity: 'marker segment',
        got: at >= bytes.length ? 'the end of the file' : 'none, or one that reaches beyond the end of the file',
        expected: 'a whole one',
      });
    }
    const isFrame = Object.hasOwn(PROCESSES, marker);
    if (isFrame) return { marker, offset: at + 4, length };
    if (marker === SOS || (marker >= 0xd0 && marker <= 0xd9)) {
      throw refuse({
        offset: at,
        quantity: 'frame header',
        got: `marker 0x${marker.toString(16)} before it`,
        expected: 'a frame header before the first scan',
      });
    }
    at += 4 + length;
  }
}

/** What would take long to decode without being an image. @throws DataError */
function checkEffort(
  bytes: Uint8Array,
  { height, width, file }: { readonly height: number; readonly width: number; readonly file: string },
): void {
  const refuse = refusalsOf('JPEG', file);
  // Each block of 8 × 8 takes at least one bit.
  const least = Math.ceil((Math.ceil(height / 8) * Math.ceil(width / 8)) / 8);
  if (bytes.length < least) {
    throw refuse({
      quantity: `bytes of an image of ${height} × ${width} (the file is cut short, or its size is damaged)`,
      got: bytes.length,
      expected: `at least ${least}`,
    });
  }
  let scans = 0;
  for (let at = bytes.indexOf(0xff); at !== -1; at = bytes.indexOf(0xff, at + 1)) if (bytes[at + 1] === SOS) scans++;
  if (scans > MAX_SCANS) throw refuse({ quantity: 'scans', got: scans, expected: `at most ${MAX_SCANS}` });
}
