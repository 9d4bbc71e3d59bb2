import type { DatasetChoice } from '../../shared/config.ts';
import { CATALOGUE, type ImageShape } from './catalogue.ts';
import { DataError } from './dataError.ts';
import { folderFacts } from './imageFolder/loadImageFolder.ts';

/** What is known of a data set without reading it. */
export interface DatasetFacts {
  readonly shape: ImageShape;
  /** [K] */
  readonly classes: readonly string[];
}

/** Of a set of the catalogue from there, whether its files are here or not; of a folder from its listing. @throws DataError */
export function datasetFacts(choice: DatasetChoice): DatasetFacts {
  return typeof choice === 'string' ? CATALOGUE[choice] : folderFacts(choice);
}

/** Facts of a set; null where its folder is not there or no set. */
export type FactsLookup = (choice: DatasetChoice) => DatasetFacts | null;

/** A look-up that goes through each folder only once. */
export function factsLookup(): FactsLookup {
  const known = new Map<string, DatasetFacts | null>();
  return (choice) => {
    const key = JSON.stringify(choice);
    let found = known.get(key);
    if (found === undefined) {
      found = factsOrNull(choice);
      known.set(key, found);
    }
    return found;
  };
}

function factsOrNull(choice: DatasetChoice): DatasetFacts | null {
  try {
    return datasetFacts(choice);
  } catch (error) {
    if (error instanceof DataError) return null;
    throw error;
  }
}
