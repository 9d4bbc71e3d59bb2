import { DataError, type DataErrorParts } from '../dataError.ts';

/** An image in memory, before it is one of a set. */
export interface DecodedImage {
  readonly height: number;
  readonly width: number;
  /** Grey or RGB. */
  readonly channels: 1 | 3;
  /** [height, width, channels], intensities 0 … 255 */
  readonly values: Uint8Array;
}

/** Most bytes of a file that is read. */
export const MAX_FILE_BYTES = 2 ** 26;
/** Most pixels of an image that is decoded: 4096 × 4096. */
export const MAX_PIXELS = 2 ** 24;

type Fault = Pick<DataErrorParts, 'quantity' | 'got' | 'expected'> & Partial<Pick<DataErrorParts, 'offset' | 'cure'>>;

/** Makes the errors of one file: what is the same in all of them is said once. */
export function refusalsOf(format: 'PNG' | 'JPEG', file: string): (fault: Fault, cause?: unknown) => DataError {
  return (fault, cause) =>
    new DataError({
      operation: `reading a ${format} image`,
      file,
      cure: 'replace it with an undamaged copy, save it anew with an image editor, or remove it',
      ...fault,
      ...(cause === undefined ? {} : { cause }),
    });
}

/** Refuses by the header alone what would take too much memory or is no image. @throws DataError */
export function checkDimensions(
  { height, width, offset }: { readonly height: number; readonly width: number; readonly offset: number },
  refuse: ReturnType<typeof refusalsOf>,
): void {
  if (height < 1 || width < 1 || height * width > MAX_PIXELS) {
    throw refuse({
      offset,
      quantity: 'height × width in the header',
      got: `${height} × ${width}`,
      expected: `1 to ${MAX_PIXELS} pixels`,
      cure: 'make the image smaller, or replace it with an undamaged copy',
    });
  }
}
