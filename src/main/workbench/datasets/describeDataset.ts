import { CATALOGUE, type ImageShape, type Origin } from '../../data/catalogue.ts';
import { loadDataset } from '../../data/loadDataset.ts';
import { classCounts, type ClassCounts, type CountsRequest } from './classCounts.ts';
import { datasetNamed } from './datasetNames.ts';

/** What `ptw data show` says of a set that is there. */
export interface DescribedDataset {
  readonly name: string;
  readonly title: string;
  readonly origin: Origin;
  readonly shape: ImageShape;
  readonly licence: string;
  /** [K] */
  readonly classes: readonly string[];
  readonly counts: ClassCounts;
  readonly fingerprint: string;
}

/** Reads a set as a run would. @throws BadInput for another name @throws DataError */
export function describeDataset(word: string, request: CountsRequest): DescribedDataset {
  const data = loadDataset(datasetNamed(word));
  const { title, licence } = CATALOGUE[data.name];
  const { name, origin, shape, classes, fingerprint } = data;
  return { name, title, origin, shape, licence, classes, counts: classCounts(data, request), fingerprint };
}
