import { damaged, readExactly, readPieces, withFile, type ByteSource } from '../byteSource.ts';
import { luma } from '../luma.ts';
import { matlabArrays, type MatlabArray } from '../matlab.ts';
import { emptyPart, sha256, type FilesOfSet, type DecodedPart, type SetContents } from './contents.ts';

const SIDE = 32;
const PIXELS = SIDE * SIDE;

/** SVHN, "Format 2: cropped digits": X [32, 32, 3, N] and y [N, 1], read as grey (METHOD.md §5); label 10 is the digit 0. */
export function readSvhn({ entry, counts, files }: FilesOfSet): SetContents {
  const train = emptyPart(entry, counts.train);
  const test = emptyPart(entry, counts.test);
  const hashes = [
    ...withFile(files['train'], (source) => readPart(source, train)).map(
      ([array, hash]) => [`train ${array}`, hash] as const,
    ),
    ...withFile(files['test'], (source) => readPart(source, test)).map(
      ([array, hash]) => [`test ${array}`, hash] as const,
    ),
  ];
  return { train, test, hashes };
}

/** @returns SHA-256 of the elements of X and of y @throws DataError where either is missing or of another shape */
function readPart(source: ByteSource, part: DecodedPart): [array: string, sha256: string][] {
  const hashes = new Map<string, string>();
  for (const array of matlabArrays(source)) {
    if (array.name === 'X') hashes.set('X', readImages(array, part.images));
    if (array.name === 'y') hashes.set('y', readLabels(array, part.labels));
  }
  for (const name of ['X', 'y']) {
    if (hashes.has(name)) continue;
    throw damaged(source, { operation: 'reading SVHN', quantity: 'arrays', got: `no ${name}`, expected: 'X and y' });
  }
  return ['X', 'y'].map((name) => [name, hashes.get(name)!]);
}

/** Columns of a plane, planes of an image, images: each image is grey once its three planes are there. */
function readImages(array: MatlabArray, images: Uint8Array): string {
  const count = images.length / PIXELS;
  expectShape(array, [SIDE, SIDE, 3, count], 'uint8');
  const hash = sha256();
  for (let image = 0; image < count; image++) {
    const planes = readExactly(array.elements, 3 * PIXELS, 'an image');
    hash.update(planes);
    for (let at = 0; at < PIXELS; at++) {
      const row = at % SIDE;
      const column = Math.floor(at / SIDE);
      images[image * PIXELS + row * SIDE + column] = luma(planes[at], planes[PIXELS + at], planes[2 * PIXELS + at]);
    }
  }
  return hash.digest('hex');
}

/** 1 … 10, as bytes or as doubles. */
function readLabels(array: MatlabArray, labels: Uint8Array): string {
  expectShape(array, [labels.length, 1], array.storedAs);
  const hash = sha256();
  const width = array.storedAs === 'uint8' ? 1 : 8;
  readPieces(array.elements, { size: labels.length * width, what: 'labels' }, (piece, start) => {
    const view = new DataView(piece.buffer, piece.byteOffset, piece.byteLength);
    for (let i = 0; i < piece.length; i += width) {
      const label = width === 1 ? piece[i] : view.getFloat64(i, array.littleEndian);
      if (!(Number.isInteger(label) && label >= 1 && label <= 10)) {
        const at = (start + i) / width;
        const parts = {
          operation: 'reading labels',
          quantity: `label of image ${at}`,
          got: label,
          expected: '1 to 10',
        };
        throw damaged(array.elements, { ...parts, offset: start + i });
      }
      labels[(start + i) / width] = label % 10;
      hash.update(Uint8Array.of(label));
    }
  });
  return hash.digest('hex');
}

function expectShape(
  { name, dimensions, storedAs, elements }: MatlabArray,
  shape: readonly number[],
  type: string,
): void {
  if (dimensions.join() === shape.join() && storedAs === type) return;
  throw damaged(elements, {
    operation: `reading array "${name}"`,
    quantity: 'shape',
    got: `${dimensions.join(' × ')} of ${storedAs}`,
    expected: `${shape.join(' × ')} of ${type}`,
  });
}
