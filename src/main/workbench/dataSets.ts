import { CATALOGUE, type ImageShape, type Origin } from '../data/catalogue.ts';
import { findFiles, originFromEnvironment, whereabouts } from '../data/dataFolders.ts';
import { DATASET_NAMES, type DatasetName } from '../../shared/config.ts';

/** What `ptw data list` says of a set. */
export interface DatasetStatus {
  readonly name: DatasetName;
  readonly title: string;
  readonly shape: ImageShape;
  readonly classes: readonly string[];
  readonly licence: string;
  /** Which files serve a run now. */
  readonly serves: Origin;
  readonly trainingImages: number;
  readonly testImages: number;
  /** Where the full set is looked for, first come, first served. */
  readonly fullFolders: readonly string[];
}

/** Every known set and which of its files serve. @throws DataError where a folder holds some of a set's files but not all */
export function listDatasets(environment: NodeJS.ProcessEnv = process.env): DatasetStatus[] {
  const choice = originFromEnvironment(environment);
  return DATASET_NAMES.map((name) => {
    const { title, shape, classes, licence, counts } = CATALOGUE[name];
    const places = whereabouts(name, environment);
    const { origin } = findFiles(name, choice, places);
    const { train, test } = counts[origin];
    return {
      name,
      title,
      shape,
      classes,
      licence,
      serves: origin,
      trainingImages: train,
      testImages: test,
      fullFolders: places.fullFolders,
    };
  });
}
