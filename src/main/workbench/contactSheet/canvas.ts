import type { BitmapFont } from './bitmapFont.ts';

/** [height, width, channels], intensities 0 … 255. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly pixels: Uint8Array;
}

export interface Position {
  readonly x: number;
  readonly y: number;
}

export function newCanvas({ width, height, channels }: Omit<Canvas, 'pixels'>, background: number): Canvas {
  return { width, height, channels, pixels: new Uint8Array(width * height * channels).fill(background) };
}

/** A rectangle of one grey. */
export function fill(
  { width, channels, pixels }: Canvas,
  { x, y }: Position,
  { across, down, grey }: { readonly across: number; readonly down: number; readonly grey: number },
): void {
  for (let row = y; row < y + down; row++) {
    pixels.fill(grey, (row * width + x) * channels, (row * width + x + across) * channels);
  }
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** [height, width, channels of the canvas] */
  readonly pixels: Uint8Array;
}

/** A picture with its upper left corner at a position, each of its pixels a square of `scale`. */
export function drawPicture(canvas: Canvas, { x, y }: Position, picture: Picture, scale: number): void {
  const { channels } = canvas;
  const row = new Uint8Array(picture.width * scale * channels);
  for (let from = 0; from < picture.height; from++) {
    for (let to = 0; to < picture.width * scale; to++) {
      const pixel = (from * picture.width + Math.floor(to / scale)) * channels;
      for (let channel = 0; channel < channels; channel++)
        row[to * channels + channel] = picture.pixels[pixel + channel];
    }
    for (let copy = 0; copy < scale; copy++) {
      canvas.pixels.set(row, ((y + from * scale + copy) * canvas.width + x) * channels);
    }
  }
}

export interface Lettering {
  readonly font: BitmapFont;
  /** Pixels a dot of the font is wide and high. */
  readonly scale: number;
  readonly grey: number;
}

export function textWidth(text: string, { font, scale }: Lettering): number {
  return Array.from(text).reduce((width, character) => width + font.glyph(character).advance * scale, 0);
}

/** Text from a position on its baseline. */
export function drawText(canvas: Canvas, baseline: Position, text: string, { font, scale, grey }: Lettering): void {
  let { x } = baseline;
  for (const character of text) {
    const { advance, left, bottom, width, rows, rowBits } = font.glyph(character);
    rows.forEach((bits, row) => {
      const y = baseline.y - (bottom + rows.length - row) * scale;
      for (let column = 0; column < width; column++) {
        if (((bits >> (rowBits - 1 - column)) & 1) === 0) continue;
        fill(canvas, { x: x + (left + column) * scale, y }, { across: scale, down: scale, grey });
      }
    });
    x += advance * scale;
  }
}
