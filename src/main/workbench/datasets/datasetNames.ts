import { DATASET_NAMES, type DatasetName } from '../../../shared/config.ts';
import { BadInput } from '../errors.ts';

/** @throws BadInput unless it is a set of the catalogue */
export function datasetNamed(word: string): DatasetName {
  const known = DATASET_NAMES.find((name) => name === word);
  if (known !== undefined) return known;
  throw new BadInput(`"${word}" is no data set; expected one of ${DATASET_NAMES.join(', ')}`);
}

/** Each set once, `all` for every one. @throws BadInput */
export function datasetsNamed(words: readonly string[]): readonly DatasetName[] {
  if (words.includes('all')) return DATASET_NAMES;
  return [...new Set(words.map(datasetNamed))];
}
