import path from 'node:path';
import type { DatasetName } from '../../shared/config.ts';
import {
  CATALOGUE,
  countsOf,
  type DatasetEntry,
  type DatasetOrigin,
  type ImageShape,
  type PartCounts,
} from './catalogue.ts';
import {
  dataFolder,
  findFiles,
  originFromEnvironment,
  whereabouts,
  type OriginChoice,
  type Whereabouts,
} from './dataFolders.ts';
import { throughCache } from './decodedCache.ts';
import { readCifar10 } from './readers/cifar10.ts';
import { sha256, type FilesOfSet, type SetContents } from './readers/contents.ts';
import { readIdxSet } from './readers/idx.ts';
import { readStl10 } from './readers/stl10.ts';
import { readSvhn } from './readers/svhn.ts';

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
  /** SHA-256, hex, over the hashes of what the files hold: packing a file anew does not change it. */
  readonly fingerprint: string;
  readonly train: LabelledImages;
  readonly test: LabelledImages;
}

export interface LoadOptions {
  /** By default what PTW_DATA says, else `auto`. */
  readonly origin?: OriginChoice;
  /** By default what the process's environment says. */
  readonly whereabouts?: Whereabouts;
  /** Images of the parts of full sets, by default the catalogue's: files with other counts are refused. */
  readonly counts?: Readonly<Partial<Record<DatasetName, PartCounts>>>;
  /** Where arrays of packed sets are kept; null for nowhere. By default a folder beside the sets. */
  readonly cacheFolder?: string | null;
}

const READERS: Readonly<Record<DatasetEntry['reader'], (set: FilesOfSet) => SetContents>> = {
  idx: readIdxSet,
  cifar10: readCifar10,
  stl10: readStl10,
  svhn: readSvhn,
};

/**
 * A data set of the catalogue (METHOD.md §5), read whole.
 * @throws DataError when a file is missing or damaged, has another shape or count than the catalogue says, or holds a label that is no
 *   class. Bundled files must have the catalogue's checksums.
 */
export function loadDataset(name: DatasetName, options: LoadOptions = {}): Dataset {
  const entry = CATALOGUE[name];
  const places = options.whereabouts ?? whereabouts(name);
  const choice = options.origin ?? originFromEnvironment(places.environment);
  const { origin, files } = findFiles(name, choice, places);
  const counts = (origin === 'full' ? options.counts?.[name] : undefined) ?? countsOf(entry, origin);
  const { cacheFolder = path.join(dataFolder(places.environment), 'decoded') } = options;
  const set = { entry, origin, counts, files };
  const { train, test, hashes } = throughCache(set, entry.reader === 'idx' ? null : cacheFolder, READERS[entry.reader]);
  const fingerprint = sha256()
    .update(hashes.map(([part, hash]) => `${part} ${hash}\n`).join(''))
    .digest('hex');
  return { name, shape: entry.shape, classes: entry.classes, origin, fingerprint, train, test };
}
