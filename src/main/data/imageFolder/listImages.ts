import { existsSync, readdirSync, realpathSync, statSync, type Dirent } from 'node:fs';
import path from 'node:path';
import { DataError, type DataErrorParts } from '../dataError.ts';

export const PARTS = ['train', 'test'] as const;
export type Part = (typeof PARTS)[number];

/** Files of a folder of images, by class; nothing of their contents is known yet. */
export interface ListedImages {
  /** Names of the class folders, [K]. */
  readonly classes: readonly string[];
  /** Paths of the images, [K][images of the class]. */
  readonly files: Readonly<Record<Part, readonly (readonly string[])[]>>;
}

/** Labels are stored in 16 bits. */
const MAX_CLASSES = 2 ** 16;
const EXTENSIONS = ['.png', '.jpg', '.jpeg'];
const LAYOUT = '<folder>/train|test/<class>/*.png|jpg|jpeg';
/** What file managers leave behind; like hidden files it is passed over. */
const LITTER = new Set(['thumbs.db', 'desktop.ini', '__macosx']);

/**
 * The images of a folder, `<root>/<split>/<class>/*.png|jpg|jpeg`. Classes, and images within a class, are in the order of the code
 * points of their names, which is the same on every machine. Hidden files and what file managers leave are passed over, and so is all of
 * the root but `train` and `test`.
 * @throws DataError for anything else that is no image in its place: a missing split, other classes in one than in the other, fewer than
 *   two, an empty class, other files, folders within a class, links that lead out of the root or nowhere
 */
export function listImages(root: string): ListedImages {
  const top = realRoot(root);
  const [train, test] = PARTS.map((part) => classFolders(top, part));
  const differing = [
    ...train.filter((name) => !test.includes(name)).map((name) => ({ name, lacking: 'test' })),
    ...test.filter((name) => !train.includes(name)).map((name) => ({ name, lacking: 'train' })),
  ].at(0);
  if (differing !== undefined) {
    throw refused({
      file: path.join(top.folder, differing.lacking, differing.name),
      quantity: `class folder "${differing.name}"`,
      got: `none in ${differing.lacking}`,
      expected: 'the same classes in train and test',
      cure: 'add the folder with images of the class, or remove it from the other split',
    });
  }
  if (train.length < 2 || train.length > MAX_CLASSES) {
    throw refused({
      file: path.join(top.folder, 'train'),
      quantity: 'class folders',
      got: train.length,
      expected: `2 to ${MAX_CLASSES}`,
      cure: `put the images into a folder for each class: ${LAYOUT}`,
    });
  }
  const filesOf = (part: Part): string[][] => train.map((name) => imagesOf(top, path.join(top.folder, part, name)));
  return { classes: train, files: { train: filesOf('train'), test: filesOf('test') } };
}

interface Root {
  readonly folder: string;
  /** Without links, so that what leads out of it can be told. */
  readonly real: string;
}

function refused(parts: Omit<DataErrorParts, 'operation'>): DataError {
  return new DataError({ operation: 'looking through a folder of images', ...parts });
}

function realRoot(folder: string): Root {
  const absolute = path.resolve(folder);
  if (existsSync(absolute) && statSync(absolute).isDirectory())
    return { folder: absolute, real: realpathSync(absolute) };
  throw refused({
    file: absolute,
    quantity: 'folder',
    got: existsSync(absolute) ? 'something other than a folder' : 'none',
    expected: LAYOUT,
    cure: 'put the folder there, or give its path: in a config file relative to that file, in --set to the working directory',
  });
}

/** Names of the classes of a split, in code-point order. */
function classFolders(root: Root, part: Part): string[] {
  const folder = path.join(root.folder, part);
  if (!existsSync(folder)) {
    throw refused({
      file: folder,
      quantity: `split "${part}"`,
      got: 'none',
      expected: LAYOUT,
      cure: 'make the folder, with a folder of images for each class',
    });
  }
  return entriesOf(root, folder).map(({ name, isFolder, file }) => {
    if (isFolder) return name;
    throw refused({
      file,
      quantity: `entry of ${part}`,
      got: 'a file',
      expected: 'folders alone, one for each class',
      cure: 'move the file into the folder of its class, or away',
    });
  });
}

/** Paths of the images of a class, in code-point order of their names. */
function imagesOf(root: Root, folder: string): string[] {
  const files = entriesOf(root, folder).map(({ name, isFolder, file }) => {
    if (!isFolder && EXTENSIONS.includes(path.extname(name).toLowerCase())) return file;
    throw refused({
      file,
      quantity: 'entry of a class folder',
      got: isFolder ? 'a folder' : `a file named "${name}"`,
      expected: `images alone (${EXTENSIONS.join(', ')})`,
      cure: isFolder ? 'move its images up, or the folder away' : 'save it as one of these, or move it away',
    });
  });
  if (files.length > 0) return files;
  throw refused({
    file: folder,
    quantity: 'images of a class',
    got: 'none',
    expected: 'at least one in each split',
    cure: 'add images, or remove the class from both splits',
  });
}

interface Entry {
  readonly name: string;
  readonly file: string;
  readonly isFolder: boolean;
}

/** What counts of a folder, in code-point order. @throws DataError */
function entriesOf(root: Root, folder: string): Entry[] {
  return readFolder(folder)
    .filter(({ name }) => !name.startsWith('.') && !LITTER.has(name.toLowerCase()))
    .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
    .map((entry) => {
      const file = path.join(folder, entry.name);
      const { name } = entry;
      const isFolder = entry.isSymbolicLink() ? leadsToFolder(root, file) : entry.isDirectory();
      if (isFolder || entry.isFile() || entry.isSymbolicLink()) return { name, file, isFolder };
      throw refused({
        file,
        quantity: 'entry',
        got: 'neither a file nor a folder',
        expected: LAYOUT,
        cure: 'move it away',
      });
    });
}

function readFolder(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    throw refused({
      file: folder,
      quantity: 'readable folder',
      got: codeOf(cause),
      expected: 'a folder that this process may read',
      cure: 'check what it is and its permissions',
      cause,
    });
  }
}

/** Whether a link is one to a folder. @throws DataError for one that leads out of the root, or nowhere */
function leadsToFolder({ real }: Root, link: string): boolean {
  let target: string;
  try {
    target = realpathSync(link);
  } catch (cause) {
    throw refused({
      file: link,
      quantity: 'symbolic link',
      got: codeOf(cause),
      expected: 'one that leads to an image or folder within the set',
      cure: 'remove it, or put the file in its place',
      cause,
    });
  }
  if (!target.startsWith(`${real}${path.sep}`)) {
    throw refused({
      file: link,
      quantity: 'symbolic link',
      got: `one to ${target}`,
      expected: 'one that stays within the folder of the set',
      cure: 'put the file itself in its place',
    });
  }
  return statSync(target).isDirectory();
}

/** What the system said, in a word. */
export function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
}
