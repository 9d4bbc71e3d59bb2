import { DataError } from '../dataError.ts';
import { decodeJpeg } from './decodeJpeg.ts';
import { decodePng } from './decodePng.ts';
import type { DecodedImage } from './imageError.ts';
import { isJpeg } from './jpegHeader.ts';
import { isPng } from './pngChunks.ts';

/**
 * A PNG or JPEG image as grey or RGB of 8 bits. The format is told by the first bytes, never by the name.
 * @param file names the image in errors
 * @throws DataError
 */
export function decodeImage(bytes: Uint8Array, file: string): DecodedImage {
  if (isPng(bytes)) return decodePng(bytes, file);
  if (isJpeg(bytes)) return decodeJpeg(bytes, file);
  throw new DataError({
    operation: 'reading an image',
    file,
    offset: 0,
    quantity: 'first bytes',
    got: bytes.length === 0 ? 'none, the file is empty' : Buffer.from(bytes.subarray(0, 8)).toString('hex'),
    expected: 'those of a PNG or JPEG file',
    cure: 'save it as PNG or JPEG, or remove it',
  });
}
