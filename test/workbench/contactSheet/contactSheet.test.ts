import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decode } from 'fast-png';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataError } from '../../../src/main/data/dataError.ts';
import { loadDataset, type Dataset } from '../../../src/main/data/loadDataset.ts';
import { bitmapFont, parseBdf } from '../../../src/main/workbench/contactSheet/bitmapFont.ts';
import { drawText, newCanvas, textWidth } from '../../../src/main/workbench/contactSheet/canvas.ts';
import { contactSheet } from '../../../src/main/workbench/contactSheet/contactSheet.ts';
import { previewDataset } from '../../../src/main/workbench/contactSheet/previewDataset.ts';
import { BadInput } from '../../../src/main/workbench/errors.ts';

const DATA = loadDataset('fashion-mnist', { origin: 'bundled' });
const REQUEST = { split: 'test', seed: 5, rows: 2, columns: 7 } as const;
const PREVIEW = { ...REQUEST, force: false } as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'ptw-sheet-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Text as rows of dots. */
function lettered(text: string): string[] {
  const lettering = { font: bitmapFont(), scale: 1, grey: 0 };
  const canvas = newCanvas({ width: textWidth(text, lettering), height: 16, channels: 1 }, 255);
  drawText(canvas, { x: 0, y: 13 }, text, lettering);
  return Array.from({ length: canvas.height }, (_, y) =>
    Array.from(canvas.pixels.subarray(y * canvas.width, (y + 1) * canvas.width), (grey) =>
      grey === 0 ? '#' : '.',
    ).join(''),
  );
}

describe('a preview', () => {
  it('refuses a file that is no picture, before it reads the set', () => {
    expect(() => previewDataset('nothing', { ...PREVIEW, out: path.join(folder, 'sheet.jpg') })).toThrow(
      /ends in \.png/,
    );
  });

  it('refuses to replace a file', () => {
    const out = path.join(folder, 'sheet.png');
    writeFileSync(out, 'mine');
    expect(() => previewDataset('mnist', { ...PREVIEW, out })).toThrow(/is there already/);
    expect(readFileSync(out, 'utf8')).toBe('mine');
    previewDataset('mnist', { ...PREVIEW, out, force: true });
    expect(decode(readFileSync(out)).channels).toBe(1);
  });

  it('leaves nothing where it fails', () => {
    const out = path.join(folder, 'sheet.png');
    expect(() => previewDataset('mnist', { ...PREVIEW, out, columns: 10_000 })).toThrow(DataError);
    expect(existsSync(out)).toBe(false);
  });
});

describe('a contact sheet', () => {
  it('refuses a picture that no viewer would open', () => {
    const large = { ...DATA, shape: { height: 3000, width: 3000, channels: 1 } };
    expect(() => contactSheet(large, REQUEST)).toThrow(BadInput);
  });

  it('refuses more images than a class has, saying how many there can be', () => {
    expect(() => contactSheet(DATA, { ...REQUEST, columns: 51 })).toThrow(/expected an integer from 1 to 1000/);
  });

  it('shows as many of each class, drawn by the seed', () => {
    const { shown } = contactSheet(DATA, REQUEST);
    shown.forEach((positions, label) => {
      expect(positions).toHaveLength(14);
      expect(positions.map((position) => DATA.test.labels[position])).toEqual(new Array(14).fill(label));
    });
    expect(contactSheet(DATA, REQUEST).shown).toEqual(shown);
    expect(contactSheet(DATA, { ...REQUEST, seed: 6 }).shown).not.toEqual(shown);
  });

  it.each([
    { shape: { height: 28, width: 28, channels: 1 }, scale: 2 },
    { shape: { height: 32, width: 24, channels: 3 }, scale: 2 },
    { shape: { height: 96, width: 96, channels: 3 }, scale: 1 },
  ])(
    'holds the pixels as they are, $scale times as large ($shape.height×$shape.width×$shape.channels)',
    ({ shape, scale }) => {
      const { height, width, channels } = shape;
      const size = height * width * channels;
      const labels = DATA.test.labels.subarray(0, 300);
      // No two pixels near each other alike.
      const images = Uint8Array.from({ length: labels.length * size }, (_, i) => (i * 37 + (i >> 8) * 11) & 255);
      const data: Dataset = { ...DATA, shape, test: { images, labels } };
      const sheet = contactSheet(data, { ...REQUEST, rows: 1, columns: 12 });
      const picture = decode(sheet.png);
      expect([picture.width, picture.height, picture.channels]).toEqual([sheet.width, sheet.height, channels]);
      const pixelAt = (x: number, y: number): number[] =>
        Array.from(picture.data.subarray((y * picture.width + x) * channels, (y * picture.width + x + 1) * channels));
      // The last image of the last class ends at the margins.
      const [left, top] = [sheet.width - 16 - width * scale, sheet.height - 16 - height * scale];
      const image = images.subarray(sheet.shown[9][11] * size, (sheet.shown[9][11] + 1) * size);
      const shown: number[] = [];
      const expected: number[] = [];
      for (let y = 0; y < height * scale; y++) {
        for (let x = 0; x < width * scale; x++) {
          const pixel = (Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
          shown.push(...pixelAt(left + x, top + y));
          expected.push(...image.subarray(pixel, pixel + channels));
        }
      }
      expect(shown).toEqual(expected);
      expect(pixelAt(sheet.width - 1, sheet.height - 1)).toEqual(new Array(channels).fill(255));
    },
  );

  it('stays in bounds with any names', () => {
    const classes = ['', 'j', 'お (o)', '漢字', '𝕏 unknown to the font', 'x'.repeat(500), 'Ж', 'ß', '👩‍👩‍👧', '9'];
    const { width, png } = contactSheet({ ...DATA, classes }, REQUEST);
    expect(width).toBeLessThan(1000);
    expect(decode(png).width).toBe(width);
  });
});

describe('the font', () => {
  it('letters as it was drawn', () => {
    expect(lettered('Tj').slice(1, 16)).toMatchInlineSnapshot(`
      [
        "..............",
        "#######.......",
        "...#.......#..",
        "...#..........",
        "...#.......#..",
        "...#.......#..",
        "...#.......#..",
        "...#.......#..",
        "...#.......#..",
        "...#.......#..",
        "...#.......#..",
        "...#.......#..",
        "........#..#..",
        ".........##...",
        "..............",
      ]
    `);
  });

  it('has the characters of every bundled class name, kana too, and a frame for those it lacks', () => {
    const { glyph } = bitmapFont();
    const frame = glyph('\u{10FFFF}');
    for (const character of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -/()おきすつなはまやれを') {
      expect(glyph(character), character).not.toEqual(frame);
    }
  });

  it('is read from BDF with dots left of and below where a character begins', () => {
    const { glyph, ascent } = parseBdf(
      'STARTFONT 2.1\nFONT_ASCENT 7\nFONT_DESCENT 2\nCAP_HEIGHT 6\nCHARS 1\nSTARTCHAR U+0041\nENCODING 65\nDWIDTH 10 0\n' +
        'BBX 9 2 -1 -2\nBITMAP\nFF80\n8080\nENDCHAR\nENDFONT\n',
    );
    expect(ascent).toBe(7);
    expect(glyph('A')).toEqual({ advance: 10, left: -1, bottom: -2, width: 9, rows: [0xff80, 0x8080], rowBits: 16 });
  });
});
