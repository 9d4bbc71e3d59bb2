import { createHash } from 'node:crypto';
import type { ImageFolder } from '../../../shared/config.ts';
import { datasetLabel } from '../../../shared/datasetLabel.ts';
import type { ImageShape } from '../catalogue.ts';
import { DataError } from '../dataError.ts';
import type { Dataset, LabelledImages } from '../loadDataset.ts';
import { listImages, type ListedImages, type Part } from './listImages.ts';
import { fitted, readImage, shapeBy, type Expected } from './readImage.ts';

/** Most bytes of all images of a set, which is held in memory whole. */
const MAX_SET_BYTES = 2 ** 32;

/** What is known of a folder from its listing and its first image. */
export interface FolderFacts {
  readonly shape: ImageShape;
  /** [K] */
  readonly classes: readonly string[];
  readonly counts: Readonly<Record<Part, number>>;
}

/** Looks through a folder without decoding more than one image. @throws DataError */
export function folderFacts(choice: ImageFolder): FolderFacts {
  const { classes, files } = listImages(choice.folder);
  const { shape } = expectedBy(choice, files);
  return { shape, classes, counts: { train: files.train.flat().length, test: files.test.flat().length } };
}

/**
 * A folder of images as a data set. One file is open at a time, and each image goes to its place in the set as soon as it is decoded.
 * @throws DataError naming the first file that is no image, cannot be read or does not fit the others
 */
export function loadImageFolder(choice: ImageFolder): Dataset {
  const { classes, files } = listImages(choice.folder);
  const expected = expectedBy(choice, files);
  checkMemory(choice, files, expected.shape);
  const train = readPart(choice, files.train, expected);
  const test = readPart(choice, files.test, expected);
  const { shape } = expected;
  return {
    name: datasetLabel(choice),
    shape,
    classes,
    origin: 'folder',
    fingerprint: fingerprintOf({ shape, classes, files, train, test }),
    train,
    test,
  };
}

function expectedBy(choice: ImageFolder, files: ListedImages['files']): Expected {
  const [[first]] = files.train;
  return { shape: shapeBy(choice, readImage(first), first), first };
}

const sizeOf = ({ height, width, channels }: ImageShape): number => height * width * channels;

function checkMemory({ folder }: ImageFolder, files: ListedImages['files'], shape: ImageShape): void {
  const images = files.train.flat().length + files.test.flat().length;
  const bytes = images * sizeOf(shape);
  if (bytes <= MAX_SET_BYTES) return;
  throw new DataError({
    operation: 'reading a folder of images',
    file: folder,
    quantity: 'bytes of all images',
    got: `${bytes} (${images} of ${shape.height} × ${shape.width} × ${shape.channels})`,
    expected: `at most ${MAX_SET_BYTES}`,
    cure: 'give a smaller "imageSize" beside "folder", or use fewer images',
  });
}

/** [N, H, W, C] and [N], class after class. */
function readPart(choice: ImageFolder, byClass: readonly (readonly string[])[], expected: Expected): LabelledImages {
  const labelled = byClass.flatMap((files, label) => files.map((file) => ({ file, label })));
  const size = sizeOf(expected.shape);
  const images = new Uint8Array(labelled.length * size);
  labelled.forEach(({ file }, i) => images.set(fitted(readImage(file), file, { ...expected, choice }), i * size));
  return { images, labels: Uint16Array.from(labelled, ({ label }) => label) };
}

interface Contents extends Pick<Dataset, 'shape' | 'classes' | 'train' | 'test'> {
  readonly files: ListedImages['files'];
}

/**
 * SHA-256, hex, of all that makes the set another one: its pixels as they are used, its classes by name and the number of images of each.
 * Where it lies and how its files are packed does not.
 */
function fingerprintOf({ shape, classes, files, train, test }: Contents): string {
  const { height, width, channels } = shape;
  const counts = [files.train, files.test].map((byClass) => byClass.map((ofClass) => ofClass.length));
  return createHash('sha256')
    .update(`${JSON.stringify({ height, width, channels, classes, counts })}\n`)
    .update(train.images)
    .update(test.images)
    .digest('hex');
}
