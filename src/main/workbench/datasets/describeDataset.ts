import { CATALOGUE, type DatasetOrigin, type ImageShape } from '../../data/catalogue.ts';
import { openDataset } from '../../data/openDataset.ts';
import { classCounts, type ClassCounts, type CountsRequest } from './classCounts.ts';
import { datasetChosen } from './datasetNames.ts';

/** What `ptw data show` says of a set that is there. */
export interface DescribedDataset {
  readonly name: string;
  readonly title: string;
  readonly origin: DatasetOrigin;
  readonly shape: ImageShape;
  readonly licence: string;
  /** [K] */
  readonly classes: readonly string[];
  readonly counts: ClassCounts;
  readonly fingerprint: string;
}

/** Reads a set, or a folder of images, as a run would. @throws BadInput for another word @throws DataError */
export function describeDataset(word: string, request: CountsRequest): DescribedDataset {
  const choice = datasetChosen(word);
  const data = openDataset(choice);
  const { title, licence } =
    typeof choice === 'string' ? CATALOGUE[choice] : { title: choice.folder, licence: 'not known' };
  const { name, origin, shape, classes, fingerprint } = data;
  return { name, title, origin, shape, licence, classes, counts: classCounts(data, request), fingerprint };
}
