import { readFileSync, statSync } from 'node:fs';
import type { ImageFolder } from '../../../shared/config.ts';
import type { ImageShape } from '../catalogue.ts';
import { DataError, type DataErrorParts } from '../dataError.ts';
import { withChannels } from '../images/convertChannels.ts';
import { decodeImage } from '../images/decodeImage.ts';
import { MAX_FILE_BYTES, type DecodedImage } from '../images/imageError.ts';
import { resizeArea } from '../resize.ts';
import { codeOf } from './listImages.ts';

/** Less than this an extractor, which halves height and width twice, makes nothing of. */
const MIN_SIDE = 4;
const COLOURS = { 1: 'grey', 3: 'RGB' } as const;

/** What all images of a set are held against: the first one's shape, where the config gives none. */
export interface Expected {
  readonly shape: ImageShape;
  /** The image that the shape is that of. */
  readonly first: string;
}

function refused(parts: Omit<DataErrorParts, 'operation'>): DataError {
  return new DataError({ operation: 'reading a folder of images', ...parts });
}

/** The image in a file. @throws DataError for a file that cannot be read, is too large or no image */
export function readImage(file: string): DecodedImage {
  const expected = `a file of at most ${MAX_FILE_BYTES} bytes that this process may read`;
  const cure = 'check what it is and its permissions, or move it away';
  let bytes: Uint8Array;
  try {
    const status = statSync(file);
    // Asked before opening: opening a pipe would wait for a writer.
    if (!status.isFile() || status.size > MAX_FILE_BYTES) {
      const got = status.isFile() ? `${status.size} bytes` : 'something other than a file';
      throw refused({ file, quantity: 'image file', got, expected, cure });
    }
    bytes = readFileSync(file);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw refused({ file, quantity: 'image file', got: codeOf(cause), expected, cure, cause });
  }
  return decodeImage(bytes, file);
}

/** The shape that a set has whose first image is this one. @throws DataError for an image too small to be worth anything */
export function shapeBy({ channels, imageSize }: ImageFolder, first: DecodedImage, file: string): ImageShape {
  const { height, width } = imageSize ?? first;
  if (height < MIN_SIDE || width < MIN_SIDE) {
    throw refused({
      file,
      quantity: 'height × width',
      got: `${height} × ${width}`,
      expected: `at least ${MIN_SIDE} × ${MIN_SIDE}`,
      cure: 'use larger images, or give imageSize',
    });
  }
  return { height, width, channels: channels ?? first.channels };
}

/**
 * The image's values in the shape of the set, [H · W · C]: converted and resized where the config says so.
 * @throws DataError for another size or number of channels than the set's where it does not
 */
export function fitted(image: DecodedImage, file: string, of: Expected & { readonly choice: ImageFolder }): Uint8Array {
  const { choice, shape, first } = of;
  if (choice.channels === undefined && image.channels !== shape.channels) {
    throw refused({
      file,
      quantity: 'colours of the image',
      got: COLOURS[image.channels],
      expected: `${COLOURS[shape.channels as 1 | 3]} as ${first}`,
      cure: 'give "channels": 1 or 3 beside "folder", and all images are converted to it',
    });
  }
  const same = image.height === shape.height && image.width === shape.width;
  if (choice.imageSize === undefined && !same) {
    throw refused({
      file,
      quantity: 'height × width',
      got: `${image.height} × ${image.width}`,
      expected: `${shape.height} × ${shape.width} as ${first}`,
      cure: 'give "imageSize": { "height": …, "width": … } beside "folder", and all images are resized to it',
    });
  }
  const converted = withChannels(image, choice.channels ?? image.channels);
  return same ? converted.values : Uint8Array.from(resizeArea(converted.values, converted, shape), Math.round);
}
