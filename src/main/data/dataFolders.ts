import { existsSync } from 'node:fs';
import path from 'node:path';
import { homeFolder } from './homeFolder.ts';
import { fileURLToPath } from 'node:url';
import type { DatasetName } from '../../shared/config.ts';
import { CATALOGUE, type FileLayout, type Origin } from './catalogue.ts';
import { DataError } from './dataError.ts';

/** `auto` takes the full set where it is present, else the bundled one. */
export const ORIGIN_CHOICES = ['auto', 'bundled', 'full'] as const;
export type OriginChoice = (typeof ORIGIN_CHOICES)[number];

type Environment = Readonly<Record<string, string | undefined>>;
const APPLICATION = 'provable-transfer-workbench';
const BUNDLED = fileURLToPath(new URL('../../../resources/images', import.meta.url));

export interface FoundFiles {
  readonly origin: Origin;
  /** Path of each file of the layout that was found. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Whereabouts {
  readonly environment: Environment;
  /** Folder with a folder of bundled files for each set. */
  readonly bundledFolder: string;
  /** Folders that may hold the full set, first come, first served. */
  readonly fullFolders: readonly string[];
}

/** Where full sets lie, in a folder each: PTW_DATA_DIR, else the user's own data folder of the platform. */
export function dataFolder(environment: Environment = process.env): string {
  const { PTW_DATA_DIR: chosen, XDG_DATA_HOME: xdg, LOCALAPPDATA: local } = environment;
  if (chosen) return path.resolve(chosen);
  if (process.platform === 'win32' && local) return path.join(local, APPLICATION, 'data');
  if (process.platform === 'darwin')
    return path.join(homeFolder('PTW_DATA_DIR'), 'Library', 'Application Support', APPLICATION, 'data');
  // The XDG specification has relative paths ignored.
  const base = xdg && path.isAbsolute(xdg) ? xdg : path.join(homeFolder('PTW_DATA_DIR'), '.local', 'share');
  return path.join(base, APPLICATION, 'data');
}

/** The folders that are searched for a set in an environment. */
export function whereabouts(name: DatasetName, environment: Environment = process.env): Whereabouts {
  return {
    environment,
    bundledFolder: BUNDLED,
    fullFolders: [path.join(dataFolder(environment), name), ...CATALOGUE[name].installedAt],
  };
}

/** PTW_DATA, `auto` where it is not set. @throws DataError for any other word. */
export function originFromEnvironment(environment: Environment): OriginChoice {
  const word = environment['PTW_DATA'] ?? '';
  const choice = ORIGIN_CHOICES.find((known) => known === word);
  if (choice !== undefined) return choice;
  if (word === '') return 'auto';
  throw new DataError({
    operation: 'choosing the data',
    quantity: 'environment variable PTW_DATA',
    got: word,
    expected: ORIGIN_CHOICES.join(', '),
    cure: 'set one of these or unset it',
  });
}

/**
 * The files that serve a set; null where there are none.
 * @throws DataError when a folder holds some of its files but not all: taking the bundled set then would quietly answer
 *   another question than the one asked.
 */
export function lookForFiles(
  name: DatasetName,
  choice: OriginChoice,
  { bundledFolder, fullFolders }: Whereabouts,
): FoundFiles | null {
  const { layouts, bundled } = CATALOGUE[name];
  if (choice !== 'bundled') {
    for (const folder of fullFolders) {
      const files = completeSet(name, folder);
      if (files !== null) return { origin: 'full', files };
    }
  }
  if (choice === 'full' || bundled === null) return null;
  const files = Object.entries(layouts[0]).map(([key, [first]]) => [key, path.join(bundledFolder, name, first)]);
  return { origin: 'bundled', files: Object.fromEntries(files) as Record<string, string> };
}

/** As lookForFiles. @throws DataError also when there are none, with what is missing where */
export function findFiles(name: DatasetName, choice: OriginChoice, places: Whereabouts): FoundFiles {
  const found = lookForFiles(name, choice, places);
  if (found !== null) return found;
  const { files, bundled } = CATALOGUE[name];
  if (choice === 'bundled') {
    throw new DataError({
      operation: `looking for the bundled ${name}`,
      quantity: 'subset that comes with the program',
      got: 'none',
      expected: files,
      cure: `get the full set with "ptw data get ${name}", or put it into ${places.fullFolders[0]}, and unset PTW_DATA`,
    });
  }
  throw new DataError({
    operation: `looking for the full ${name}`,
    quantity: 'folder with its files',
    got: `none of ${places.fullFolders.join(', ')}`,
    expected: files,
    cure: `get them with "ptw data get ${name}" or put them there${bundled === null ? '' : ', or use the bundled set'}`,
  });
}

/** Null when the folder holds none of the files. @throws DataError when it holds only some of every layout. */
function completeSet(name: DatasetName, folder: string): Record<string, string> | null {
  const { layouts, files: expected } = CATALOGUE[name];
  const found = layouts.map((layout) => filesOf(layout, folder));
  const whole = found.find((files, i) => Object.keys(files).length === Object.keys(layouts[i]).length);
  if (whole !== undefined) return whole;
  const at = found.findIndex((files) => Object.keys(files).length > 0);
  if (at === -1) return null;
  const keys = Object.keys(layouts[at]);
  const missing = keys.filter((key) => !(key in found[at])).map((key) => layouts[at][key].at(-1)!);
  throw new DataError({
    operation: `looking for the full ${name}`,
    file: path.join(folder, missing[0]),
    quantity: 'files of the set',
    got: `${keys.length - missing.length} of ${keys.length}, without ${missing.join(', ')}`,
    expected,
    cure: `get the missing ones with "ptw data get ${name}" or put them there, empty the folder${CATALOGUE[name].bundled === null ? '' : ', or set PTW_DATA=bundled'}`,
  });
}

/** The files of a layout that are there. */
function filesOf(layout: FileLayout, folder: string): Record<string, string> {
  const present = Object.entries(layout).flatMap(([key, names]) => {
    const file = names.map((name) => path.join(folder, name)).find((candidate) => existsSync(candidate));
    return file === undefined ? [] : [[key, file]];
  });
  return Object.fromEntries(present) as Record<string, string>;
}
