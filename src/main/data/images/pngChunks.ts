import { crc32 } from 'node:zlib';
import { refusalsOf } from './imageError.ts';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Length, type and checksum of a chunk. */
const FRAME = 12;

export interface PngChunk {
  readonly type: string;
  /** Of its data in the file. */
  readonly offset: number;
  readonly data: Uint8Array;
}

export const isPng = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, i) => bytes[i] === byte);

/**
 * The chunks of a PNG file up to IEND, with their checksums checked (PNG 1.2 §3, §5). Bytes behind IEND are passed over, as
 * other decoders do.
 * @throws DataError for a damaged or cut file, naming the byte
 */
export function pngChunks(bytes: Uint8Array, file: string): PngChunk[] {
  const refuse = refusalsOf('PNG', file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: PngChunk[] = [];
  for (let at = SIGNATURE.length; ;) {
    const left = bytes.length - at - FRAME;
    const length = left < 0 ? 0 : view.getUint32(at);
    if (left < length) {
      throw refuse({
        offset: at,
        quantity: 'bytes of a chunk (the file is cut short, or its length is damaged)',
        got: bytes.length - at,
        expected: `at least ${length + FRAME}`,
      });
    }
    const data = bytes.subarray(at + 8, at + 8 + length);
    const checksum = view.getUint32(at + 8 + length);
    const computed = crc32(bytes.subarray(at + 4, at + 8 + length));
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (checksum !== computed) {
      throw refuse({
        offset: at + 8 + length,
        quantity: `checksum of the chunk ${JSON.stringify(type)}`,
        got: hex(checksum),
        expected: hex(computed),
      });
    }
    chunks.push({ type, offset: at + 8, data });
    if (type === 'IEND') return chunks;
    at += length + FRAME;
  }
}

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;
