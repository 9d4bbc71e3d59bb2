import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** A character as dots, in units of the font's pixels. */
export interface Glyph {
  /** How far the next character is. */
  readonly advance: number;
  /** Of the dots' left edge from where the character begins, and of their lower edge above the baseline. */
  readonly left: number;
  readonly bottom: number;
  readonly width: number;
  /** [height] rows from above, a bit a dot, the leftmost dot the highest bit of `rowBits`. */
  readonly rows: readonly number[];
  readonly rowBits: number;
}

export interface BitmapFont {
  /** Of capitals above the baseline. */
  readonly capHeight: number;
  /** Rows from the highest dot to the lowest. */
  readonly ascent: number;
  readonly descent: number;
  /** A frame for characters that the font lacks. */
  readonly glyph: (character: string) => Glyph;
}

const FILE = new URL('../../../../resources/fonts/galmuri11/Galmuri11.bdf.gz', import.meta.url);
const CAP_HEIGHT = 11;

/** Galmuri11 (resources/fonts), read when it is first needed. */
export function bitmapFont(): BitmapFont {
  loaded ??= parseBdf(gunzipSync(readFileSync(FILE)).toString('utf8'));
  return loaded;
}
let loaded: BitmapFont | undefined;

/** A font of the Glyph Bitmap Distribution Format 2.1, as far as lettering needs it; every character is parsed when asked for. */
export function parseBdf(text: string): BitmapFont {
  const [header, ...characters] = text.split(/^STARTCHAR /m);
  const byCode = new Map(characters.map((lines) => [numbersOf(lines, 'ENCODING')[0], lines]));
  const [ascent] = numbersOf(header, 'FONT_ASCENT');
  const [descent] = numbersOf(header, 'FONT_DESCENT');
  const [capHeight = CAP_HEIGHT] = numbersOf(header, 'CAP_HEIGHT');
  const frame = frameGlyph(capHeight);
  return {
    capHeight,
    ascent,
    descent,
    glyph: (character) => {
      const lines = byCode.get(character.codePointAt(0)!);
      return lines === undefined ? frame : parseGlyph(lines);
    },
  };
}

function parseGlyph(lines: string): Glyph {
  const [width, , left, bottom] = numbersOf(lines, 'BBX');
  const [advance] = numbersOf(lines, 'DWIDTH');
  const hex = /^BITMAP\n([^]*?)^ENDCHAR/m.exec(lines)?.[1].split('\n').filter(Boolean) ?? [];
  return {
    advance,
    left,
    bottom,
    width,
    rows: hex.map((row) => Number.parseInt(row, 16)),
    // Rows are filled up to whole bytes.
    rowBits: 8 * Math.ceil(width / 8),
  };
}

/** The integers behind a keyword. */
function numbersOf(lines: string, keyword: string): number[] {
  const found = new RegExp(`^${keyword} ([-0-9 ]+)$`, 'm').exec(lines);
  return found === null ? [] : found[1].split(' ').map(Number);
}

function frameGlyph(height: number): Glyph {
  const rows = Array.from({ length: height }, (_, y) => (y === 0 || y === height - 1 ? 0b11111110 : 0b10000010));
  return { advance: 8, left: 0, bottom: 0, width: 7, rows, rowBits: 8 };
}
