import { encode } from 'fast-png';
import { deriveKey } from '../../math/philox.ts';
import type { Dataset } from '../../data/loadDataset.ts';
import { balancedSubset } from '../../data/split.ts';
import { BadInput } from '../errors.ts';
import { bitmapFont } from './bitmapFont.ts';
import { drawPicture, drawText, newCanvas, textWidth, type Canvas, type Lettering } from './canvas.ts';

export const SPLITS = ['train', 'test'] as const;
export type Split = (typeof SPLITS)[number];

export interface SheetRequest {
  readonly split: Split;
  /** Of which images are taken. */
  readonly seed: number;
  /** Of images, for each class. */
  readonly rows: number;
  readonly columns: number;
}

export interface ContactSheet {
  readonly width: number;
  readonly height: number;
  /** [K] positions in the part, in the order in which they are shown. */
  readonly shown: readonly (readonly number[])[];
  readonly png: Uint8Array;
}

const PAPER = 255;
const INK = 30;
/** Small images are enlarged by whole numbers, so that a pixel stays a square, to about this height. */
const TILE_HEIGHT = 56;
const GAP = 4;
const CLASS_GAP = 10;
const MARGIN = 16;
/** Names that are wider are cut. */
const WIDEST_NAME = 320;
/** A picture of that size takes some seconds and hardly a viewer. */
const MOST_PIXELS = 100e6;

/**
 * A picture with rows of images for each class, with its name: as many of each, drawn at random.
 * @throws DataError where a class has too few images
 * @throws BadInput where the picture would be too large
 */
export function contactSheet(data: Dataset, request: SheetRequest): ContactSheet {
  const shown = imagesByClass(data, request);
  const layout = layOut(data, request);
  const canvas = newCanvas(layout, PAPER);
  drawText(canvas, layout.title, titleOf(data, request), layout.lettering);
  shown.forEach((positions, label) => {
    drawClass(canvas, { data, request, layout }, { label, positions });
  });
  const { width, height, channels, pixels } = canvas;
  return { width, height, shown, png: encode({ width, height, channels, depth: 8, data: pixels }) };
}

function titleOf({ name, origin }: Dataset, { split, seed }: SheetRequest): string {
  return `${name} (${origin}), ${split === 'train' ? 'training' : 'test'} images, seed ${seed}`;
}

function imagesByClass(data: Dataset, { split, seed, rows, columns }: SheetRequest): number[][] {
  const { labels } = data[split];
  const chosen = balancedSubset(
    {
      of: `${split === 'train' ? 'training' : 'test'} images of ${data.name} (${data.origin})`,
      labels,
      classes: data.classes,
      count: rows * columns * data.classes.length,
    },
    deriveKey(seed, 'contact-sheet', split),
  );
  return data.classes.map((_, label) => [...chosen].filter((position) => labels[position] === label));
}

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Pixels that a pixel of an image is wide and high. */
  readonly scale: number;
  readonly tile: { readonly width: number; readonly height: number };
  readonly lettering: Lettering;
  /** [K], cut where they are too wide. */
  readonly names: readonly string[];
  /** Where its baseline begins. */
  readonly title: { readonly x: number; readonly y: number };
  /** Upper left corner of the first image. */
  readonly images: { readonly x: number; readonly y: number };
  /** From the first row of a class to that of the next. */
  readonly classPitch: number;
}

/** @throws BadInput where the picture would be too large */
function layOut({ classes, shape, name, origin }: Dataset, request: SheetRequest): Layout {
  const { rows, columns } = request;
  const scale = Math.max(1, Math.round(TILE_HEIGHT / shape.height));
  const tile = { width: shape.width * scale, height: shape.height * scale };
  const font = bitmapFont();
  // The text must fit beside a row of images.
  const lettering: Lettering = { font, scale: tile.height >= 2 * (font.ascent + font.descent) ? 2 : 1, grey: INK };
  const names = classes.map((className) => cut(className, lettering));
  const namesWidth = Math.max(...names.map((text) => textWidth(text, lettering)));
  const titleWidth = textWidth(titleOf({ name, origin } as Dataset, request), lettering);
  const line = (font.ascent + font.descent) * lettering.scale;
  const images = { x: MARGIN + namesWidth + 3 * GAP, y: MARGIN + line + CLASS_GAP };
  const classPitch = rows * (tile.height + GAP) - GAP + (rows === 1 ? GAP : CLASS_GAP);
  const width = Math.max(images.x + columns * (tile.width + GAP) - GAP, MARGIN + titleWidth) + MARGIN;
  const height = images.y + classes.length * classPitch - (rows === 1 ? GAP : CLASS_GAP) + MARGIN;
  if (width * height > MOST_PIXELS)
    throw new BadInput(`a sheet of ${width}×${height} pixels is too large; ask for fewer --rows or --columns`);
  return {
    width,
    height,
    channels: shape.channels,
    scale,
    tile,
    lettering,
    names,
    title: { x: MARGIN, y: MARGIN + font.ascent * lettering.scale },
    images,
    classPitch,
  };
}

function cut(name: string, lettering: Lettering): string {
  if (textWidth(name, lettering) <= WIDEST_NAME) return name;
  const characters = Array.from(name);
  while (textWidth(`${characters.join('')}...`, lettering) > WIDEST_NAME) characters.pop();
  return `${characters.join('')}...`;
}

interface Sheet {
  readonly data: Dataset;
  readonly request: SheetRequest;
  readonly layout: Layout;
}

function drawClass(
  canvas: Canvas,
  { data, request, layout }: Sheet,
  { label, positions }: { readonly label: number; readonly positions: readonly number[] },
): void {
  const { images, tile, lettering, scale, names } = layout;
  const top = images.y + label * layout.classPitch;
  const { height, width, channels } = data.shape;
  const size = height * width * channels;
  positions.forEach((position, i) => {
    const at = {
      x: images.x + (i % request.columns) * (tile.width + GAP),
      y: top + Math.floor(i / request.columns) * (tile.height + GAP),
    };
    const pixels = data[request.split].images.subarray(position * size, (position + 1) * size);
    drawPicture(canvas, at, { width, height, pixels }, scale);
  });
  const baseline = top + Math.round((tile.height + lettering.font.capHeight * lettering.scale) / 2);
  const x = images.x - 3 * GAP - textWidth(names[label], lettering);
  drawText(canvas, { x, y: baseline }, names[label], lettering);
}
