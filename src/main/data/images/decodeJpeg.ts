import { refusalsOf, type DecodedImage } from './imageError.ts';
import { jpegHeader } from './jpegHeader.ts';
import { createJpegDecoder, type JpegDecoder } from './mozJpeg.ts';

/** A decoder with more memory than this is let go: one large image must not cost for ever. */
const KEPT_BYTES = 2 ** 26;

let kept: JpegDecoder | null = null;

/**
 * A JPEG image as grey or RGB, turned as its EXIF orientation says. Colour profiles are passed over.
 * @param file names the image in errors
 * @throws DataError for a damaged file (also one that other programs show with grey stripes), CMYK, and coding that is rare
 */
export function decodeJpeg(bytes: Uint8Array, file: string): DecodedImage {
  const refuse = refusalsOf('JPEG', file);
  const header = jpegHeader(bytes, file);
  const decoder = (kept ??= createJpegDecoder());
  let image: ReturnType<JpegDecoder['decode']>;
  try {
    image = decoder.decode(bytes);
  } catch (cause) {
    kept = null;
    const complaint = decoder.complaints().at(0);
    throw refuse({ quantity: 'contents', got: complaint ?? String(cause), expected: 'a whole image' }, cause);
  }
  if (decoder.memory() > KEPT_BYTES) kept = null;
  const complaint = decoder.complaints().at(0);
  if (complaint !== undefined || image === null) {
    throw refuse({ quantity: 'contents', got: complaint ?? 'nothing', expected: 'a whole image' });
  }
  const { height, width, data } = image;
  if (height * width !== header.height * header.width || data.length !== 4 * height * width) {
    throw new Error(
      `internal: decoding ${file} gave ${height} × ${width} of ${data.length} bytes, its header says ${header.height} × ${header.width}`,
    );
  }
  return { height, width, channels: header.components, values: fromRgba(data, header.components) };
}

/** [n, 4] → [n, C]; a grey image has its value in all three colours. */
function fromRgba(rgba: Uint8ClampedArray, channels: 1 | 3): Uint8Array {
  const pixels = rgba.length / 4;
  const out = new Uint8Array(pixels * channels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let c = 0; c < channels; c++) out[pixel * channels + c] = rgba[4 * pixel + c];
  }
  return out;
}
