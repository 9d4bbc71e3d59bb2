import { describe, expect, test } from 'vitest';
import { decodeImage } from '../../../src/main/data/images/decodeImage.ts';
import { toGrey } from '../../../src/main/data/images/convertChannels.ts';
import { createJpegDecoder } from '../../../src/main/data/images/mozJpeg.ts';
import { refusalOf } from '../refusal.ts';
import { EXPECTED, IMAGES, imageBytes, imageFixture } from './fixtures.ts';

/** Each with what the refusal says. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'rgba.png': /row 5, column 7: got wholly or partly transparent, expected opaque; put the image on a background/,
  'palette-transparent.png': /row \d+, column \d+: got wholly or partly transparent/,
  'grey-key.png': /row 0, column 5: got wholly or partly transparent/,
  'palette-index.png': /index into the palette: got (1[6-9]|[23]\d), expected 0 to 15/,
  'palette-none.png': /bytes of the palette: got 0/,
  'cut.png': /the file is cut short/,
  'checksum.png': /checksum of the chunk "IDAT": got 0x/,
  'too-few-rows.png': /bytes of the image after decompression: got 260, expected 280/,
  'too-many-rows.png': /bytes of the image after decompression: got more, expected 240/,
  'filter.png': /filter of row 0: got 5, expected 0 to 4/,
  'bomb-dimensions.png': /byte 16\): height × width in the header: got 2147483647 × 2147483647, expected 1 to 16777216/,
  'bomb-data.png': /bytes of the image after decompression: got more, expected 260/,
  'zero-width.png': /got 13 × 0, expected 1 to/,
  'unknown-critical.png': /chunk: got "ABCD", expected IHDR, PLTE, IDAT, IEND/,
  'depth.png': /bits a sample, colour type: got 4, 2, expected 1\|2\|4\|8\|16, 0 \(grey\); 8\|16, 2 \(rgb\)/,
  'cmyk.jpg': /colour components: got 4 \(CMYK\), expected 1 \(grey\) or 3 \(colour\); convert the image to RGB/,
  'cut.jpg': /contents: got (Premature end of JPEG file|Corrupt JPEG data)/,
  'cut-in-header.jpg': /byte \d+\): marker segment: got none, or one that reaches beyond the end of the file/,
  'bits-12.jpg': /bits a sample: got 12, expected 8/,
  'arithmetic.jpg': /coding process: got arithmetic coding, expected baseline or progressive/,
  'lossless.jpg': /coding process: got lossless/,
  'bomb-dimensions.jpg': /height × width in the header: got 65535 × 65535, expected 1 to 16777216 pixels/,
  'more-than-its-bytes.jpg': /bytes of an image of 4095 × 4095 .*: got \d+, expected at least 32768/,
  'zero-height.jpg': /got 0 × 19, expected 1 to/,
  'no-table.jpg': /contents: got Quantization table 0x03 was not defined, expected a whole image/,
  'damaged-data.jpg': /contents: got Corrupt JPEG data/,
  'scans.jpg': /scans: got 101, expected at most 100/,
  'no-frame.jpg': /frame header: got marker 0xda before it/,
  'not-an-image.png': /byte 0\): first bytes: got 4749463839612c20, expected those of a PNG or JPEG file/,
  'empty.png': /first bytes: got none, the file is empty/,
};

describe('a file that is refused', () => {
  test.each(Object.entries(REFUSED))('%s: says why, naming the file', (name, sentence) => {
    const error = refusalOf(() => decodeImage(imageBytes(name), imageFixture(name)));
    expect(error.message).toMatch(sentence);
    expect(error.file).toBe(imageFixture(name));
    expect(error.cure).not.toBe('');
  });

  test('leaves the decoder as good as before', () => {
    refusalOf(() => decodeImage(imageBytes('no-table.jpg'), 'no-table.jpg'));
    refusalOf(() => decodeImage(imageBytes('damaged-data.jpg'), 'damaged-data.jpg'));
    const { values } = decodeImage(imageBytes('noise.jpg'), 'noise.jpg');
    expect(Buffer.from(values).toString('base64')).toBe(EXPECTED['noise.jpg'].pixels);
  });

  test('is every fixture that Pillow’s pixels are not there for', () => {
    expect([...Object.keys(REFUSED), ...Object.keys(EXPECTED)].sort()).toEqual([...IMAGES].sort());
  });
});

describe('an image that is read', () => {
  // No tolerance: the JPEG decoder is the one that Pillow has.
  test.each(Object.entries(EXPECTED))('%s has the pixels that Pillow gives', (name, { pixels, ...shape }) => {
    const { values, ...read } = decodeImage(imageBytes(name), name);
    expect(read).toEqual(shape);
    expect(Buffer.from(values).toString('base64')).toBe(pixels);
  });

  test('is told by its first bytes, whatever its name', () => {
    expect(decodeImage(imageBytes('grey.jpg'), 'grey.png').channels).toBe(1);
  });

  test('as grey has the luma of ITU-R 601, rounded to the nearest', () => {
    const colours = [
      [0, 0, 0],
      [255, 255, 255],
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
      [12, 200, 77],
    ];
    const luma = colours.map(([r, g, b]) => Math.round(0.299 * r + 0.587 * g + 0.114 * b));
    expect([...toGrey(Uint8Array.from(colours.flat()))]).toEqual(luma);
  });
});

test('the JPEG decoder is ready as soon as it is made, and complains of what it decodes over', () => {
  const decoder = createJpegDecoder();
  expect(decoder.decode(imageBytes('baseline-444.jpg'))).toMatchObject({ width: 19, height: 13 });
  expect(decoder.complaints()).toEqual([]);
  decoder.decode(imageBytes('cut.jpg'));
  expect(decoder.complaints().length).toBeGreaterThan(0);
  expect(decoder.complaints()).toEqual([]);
});
