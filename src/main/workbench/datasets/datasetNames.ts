import { statSync } from 'node:fs';
import path from 'node:path';
import { DATASET_NAMES, type DatasetChoice, type DatasetName } from '../../../shared/config.ts';
import { BadInput } from '../errors.ts';

/** @throws BadInput unless it is a set of the catalogue */
export function datasetNamed(word: string): DatasetName {
  const known = DATASET_NAMES.find((name) => name === word);
  if (known !== undefined) return known;
  throw new BadInput(`"${word}" is no data set; expected one of ${DATASET_NAMES.join(', ')}`);
}

/** A set of the catalogue, or a folder of images. @throws BadInput for a word that is neither */
export function datasetChosen(word: string): DatasetChoice {
  const known = DATASET_NAMES.find((name) => name === word);
  if (known !== undefined) return known;
  if (statSync(word, { throwIfNoEntry: false })?.isDirectory() === true) return { folder: path.resolve(word) };
  throw new BadInput(`"${word}" is no data set; expected one of ${DATASET_NAMES.join(', ')}, or a folder of images`);
}

/** Each set once, `all` for every one. @throws BadInput */
export function datasetsNamed(words: readonly string[]): readonly DatasetName[] {
  if (words.includes('all')) return DATASET_NAMES;
  return [...new Set(words.map(datasetNamed))];
}
