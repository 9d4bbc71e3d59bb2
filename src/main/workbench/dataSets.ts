import { CATALOGUE, countsOf, type DatasetOrigin, type ImageShape } from '../data/catalogue.ts';
import { lookForFiles, originFromEnvironment, whereabouts } from '../data/dataFolders.ts';
import { loadImageFolder } from '../data/imageFolder/loadImageFolder.ts';
import { DATASET_NAMES } from '../../shared/config.ts';

/** What `ptw data list` says of a set. */
export interface DatasetStatus {
  readonly name: string;
  readonly title: string;
  readonly shape: ImageShape;
  readonly classes: readonly string[];
  readonly licence: string;
  /** Which files serve a run now; null where none do. */
  readonly serves: DatasetOrigin | null;
  /** What its folder holds, for people. */
  readonly files: string;
  /** Of the files that serve, else of the full set. */
  readonly trainingImages: number;
  readonly testImages: number;
  /** Where the full set is looked for, first come, first served. */
  readonly fullFolders: readonly string[];
}

/** Every known set and which of its files serve. @throws DataError where a folder holds some of a set's files but not all */
export function listDatasets(environment: NodeJS.ProcessEnv = process.env): DatasetStatus[] {
  const choice = originFromEnvironment(environment);
  return DATASET_NAMES.map((name) => {
    const entry = CATALOGUE[name];
    const { title, shape, classes, licence, files } = entry;
    const places = whereabouts(name, environment);
    const serves = lookForFiles(name, choice, places)?.origin ?? null;
    const { train, test } = countsOf(entry, serves ?? 'full');
    return {
      name,
      title,
      shape,
      classes,
      licence,
      serves,
      files,
      trainingImages: train,
      testImages: test,
      fullFolders: places.fullFolders,
    };
  });
}

/** A folder of images, read as a run would read it. @throws DataError naming what keeps it from being a data set */
export function describeFolder(folder: string): DatasetStatus {
  const { name, shape, classes, train, test } = loadImageFolder({ folder });
  return {
    name,
    title: folder,
    shape,
    classes,
    licence: 'not known',
    serves: 'folder',
    files: '<split>/<class>/*.png|jpg|jpeg',
    trainingImages: train.labels.length,
    testImages: test.labels.length,
    fullFolders: [folder],
  };
}
