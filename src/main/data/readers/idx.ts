import { IDX_FILE_KEYS, type IdxFile } from '../catalogue.ts';
import { DataError } from '../dataError.ts';
import { decodeIdx, idxHeaderBytes, readLimited, type IdxArray } from '../idx.ts';
import { sha256, type FilesOfSet, type SetContents } from './contents.ts';

interface ReadFile {
  readonly file: string;
  readonly array: IdxArray;
  readonly sha256: string;
}

/** A set of the MNIST family. Bundled files must have the catalogue's checksums. */
export function readIdxSet(set: FilesOfSet): SetContents {
  const contents = Object.fromEntries(IDX_FILE_KEYS.map((key) => [key, readOne(set, key)])) as Record<
    IdxFile,
    ReadFile
  >;
  for (const key of ['trainLabels', 'testLabels'] as const) checkLabels(contents[key], set);
  return {
    train: { images: contents.trainImages.array.values, labels: contents.trainLabels.array.values },
    test: { images: contents.testImages.array.values, labels: contents.testLabels.array.values },
    hashes: IDX_FILE_KEYS.map((key) => [key, contents[key].sha256]),
  };
}

function readOne({ entry, origin, counts, files }: FilesOfSet, key: IdxFile): ReadFile {
  const file = files[key];
  const part = key.startsWith('train') ? 'train' : 'test';
  const { height, width } = entry.shape;
  const dimensions = key.endsWith('Images') ? [counts[part], height, width] : [counts[part]];
  const maxBytes = idxHeaderBytes(dimensions.length) + dimensions.reduce((product, n) => product * n, 1);
  const stored = readLimited(file, maxBytes);
  if (origin === 'bundled' && entry.bundled !== null) checkBundled(stored, file, entry.bundled.files[key]);
  const { array, contents } = decodeIdx(stored, file, { rank: dimensions.length, maxBytes });
  const wrong = dimensions.findIndex((expected, axis) => array.dimensions[axis] !== expected);
  if (wrong !== -1) {
    throw new DataError({
      operation: `reading ${entry.title} (${origin})`,
      file,
      offset: idxHeaderBytes(wrong),
      quantity: 'dimensions',
      got: array.dimensions.join(' × '),
      expected: dimensions.join(' × '),
      cure: `replace it with the file of ${entry.title}, or set PTW_DATA=bundled`,
    });
  }
  return { file, array, sha256: sha256().update(contents).digest('hex') };
}

function checkBundled(stored: Uint8Array, file: string, expected: { bytes: number; sha256: string }): void {
  const got = { bytes: stored.length, sha256: sha256().update(stored).digest('hex') };
  if (got.bytes === expected.bytes && got.sha256 === expected.sha256) return;
  throw new DataError({
    operation: 'reading a bundled data file',
    file,
    quantity: 'contents',
    got: `${got.bytes} bytes, SHA-256 ${got.sha256}`,
    expected: `${expected.bytes} bytes, SHA-256 ${expected.sha256}`,
    cure: 'the file is damaged: put back the one of this version of the program (check it out or install it again)',
  });
}

/** @throws DataError naming the first label that is no class. */
function checkLabels({ file, array }: ReadFile, { entry: { title, classes } }: FilesOfSet): void {
  const first = array.values.findIndex((label) => label >= classes.length);
  if (first === -1) return;
  throw new DataError({
    operation: `reading ${title}`,
    file,
    offset: idxHeaderBytes(1) + first,
    quantity: `label of image ${first}`,
    got: array.values[first],
    expected: `0 to ${classes.length - 1}`,
    cure: 'replace the file with an undamaged copy',
  });
}
