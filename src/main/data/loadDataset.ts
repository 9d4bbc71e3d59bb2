import { createHash } from 'node:crypto';
import type { DatasetName } from '../../shared/config.ts';
import {
  CATALOGUE,
  countsOf,
  IDX_FILE_KEYS,
  type DatasetEntry,
  type DatasetOrigin,
  type IdxFile,
  type ImageShape,
  type Origin,
} from './catalogue.ts';
import { DataError } from './dataError.ts';
import { findFiles, originFromEnvironment, whereabouts, type OriginChoice, type Whereabouts } from './dataFolders.ts';
import { decodeIdx, idxHeaderBytes, readLimited, type IdxArray } from './idx.ts';

export interface LabelledImages {
  /** [N, H, W, C], intensities 0 … 255 */
  readonly images: Uint8Array;
  /** [N], 0 … K − 1 */
  readonly labels: Uint8Array | Uint16Array;
}

export interface Dataset {
  /** Of the catalogue, or of the folder. */
  readonly name: string;
  readonly shape: ImageShape;
  /** [K] */
  readonly classes: readonly string[];
  readonly origin: DatasetOrigin;
  /** SHA-256, hex, of the contents: packing a file anew does not change it. */
  readonly fingerprint: string;
  readonly train: LabelledImages;
  readonly test: LabelledImages;
}

export interface LoadOptions {
  /** By default what PTW_DATA says, else `auto`. */
  readonly origin?: OriginChoice;
  /** By default what the process's environment says. */
  readonly whereabouts?: Whereabouts;
}

type IdxContents = Readonly<
  Record<IdxFile, { readonly file: string; readonly array: IdxArray; readonly sha256: string }>
>;

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/**
 * A data set of the catalogue (METHOD.md §5), read whole.
 * @throws DataError when this version has no reader for the set, when a file is missing or damaged, has another shape or count than the catalogue says, or holds a
 *   label that is no class. Bundled files must have the catalogue's checksums.
 */
export function loadDataset(name: DatasetName, options: LoadOptions = {}): Dataset {
  const entry = CATALOGUE[name];
  const places = options.whereabouts ?? whereabouts(name);
  const choice = options.origin ?? originFromEnvironment(places.environment);
  const { origin, files } = findFiles(name, choice, places);
  const read = (key: IdxFile) => [key, { file: files[key], ...readOne(entry, { key, origin, file: files[key] }) }];
  const contents = Object.fromEntries(IDX_FILE_KEYS.map(read)) as IdxContents;
  for (const key of ['trainLabels', 'testLabels'] as const) checkLabels(contents[key], entry);
  return {
    name,
    shape: entry.shape,
    classes: entry.classes,
    origin,
    // Over the hashes of the four files' contents after gzip.
    fingerprint: sha256(IDX_FILE_KEYS.map((key) => `${key} ${contents[key].sha256}\n`).join('')),
    train: { images: contents.trainImages.array.values, labels: contents.trainLabels.array.values },
    test: { images: contents.testImages.array.values, labels: contents.testLabels.array.values },
  };
}

interface Wanted {
  readonly key: IdxFile;
  readonly origin: Origin;
  readonly file: string;
}

function readOne(entry: DatasetEntry, { key, origin, file }: Wanted): { array: IdxArray; sha256: string } {
  const part = key.startsWith('train') ? 'train' : 'test';
  const { height, width } = entry.shape;
  const count = countsOf(entry, origin)[part];
  const dimensions = key.endsWith('Images') ? [count, height, width] : [count];
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
  return { array, sha256: sha256(contents) };
}

function checkBundled(stored: Uint8Array, file: string, expected: { bytes: number; sha256: string }): void {
  const got = { bytes: stored.length, sha256: sha256(stored) };
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
function checkLabels({ file, array }: { file: string; array: IdxArray }, { title, classes }: DatasetEntry): void {
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
