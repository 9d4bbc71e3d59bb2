import { damaged, expectEnd, readExactly, readPieces, type ByteSource } from '../byteSource.ts';
import { STL10_FILES } from '../catalogue.ts';
import { emptyPart, sha256, type FilesOfSet, type SetContents } from './contents.ts';
import { fromMembers } from './members.ts';

const SIDE = 96;
const PIXELS = SIDE * SIDE;

/**
 * The labelled part of STL-10: stl10_binary.tar.gz as it is distributed, or the files in it. Images go straight to their places; the unlabelled part, 2.8 GB,
 * is passed over and never held.
 */
export function readStl10({ entry, counts, files }: FilesOfSet): SetContents {
  const parts = { train: emptyPart(entry, counts.train), test: emptyPart(entry, counts.test) };
  const hashes = new Map<string, string>();
  const read = (name: string, source: ByteSource): void => {
    const { images, labels } = parts[name.startsWith('train') ? 'train' : 'test'];
    hashes.set(name, name.endsWith('_X.bin') ? readImages(source, images) : readLabels(source, labels));
  };
  fromMembers({ files, names: STL10_FILES, found: hashes }, read);
  return { ...parts, hashes: STL10_FILES.map((name) => [name, hashes.get(name)!]) };
}

/** Each image plane by plane, each plane column by column, as MATLAB has them. @returns SHA-256 of the file's bytes */
function readImages(source: ByteSource, images: Uint8Array): string {
  const hash = sha256();
  for (let start = 0; start < images.length; start += 3 * PIXELS) {
    const planes = readExactly(source, 3 * PIXELS, 'images');
    hash.update(planes);
    const place = images.subarray(start, start + 3 * PIXELS);
    for (let channel = 0; channel < 3; channel++) {
      for (let column = 0; column < SIDE; column++) {
        const from = channel * PIXELS + column * SIDE;
        for (let row = 0; row < SIDE; row++) place[3 * (row * SIDE + column) + channel] = planes[from + row];
      }
    }
  }
  expectEnd(source, 'images');
  return hash.digest('hex');
}

/** 1 … 10 in the file. @returns SHA-256 of the file's bytes @throws DataError for one that is no class */
function readLabels(source: ByteSource, labels: Uint8Array): string {
  const hash = sha256();
  readPieces(source, { size: labels.length, what: 'labels' }, (piece, start) => {
    hash.update(piece);
    piece.forEach((label, i) => {
      if (label < 1 || label > 10) {
        const parts = { operation: 'reading labels', quantity: `label of image ${start + i}`, got: label };
        throw damaged(source, { ...parts, expected: '1 to 10', offset: start + i });
      }
      labels[start + i] = label - 1;
    });
  });
  expectEnd(source, 'labels');
  return hash.digest('hex');
}
