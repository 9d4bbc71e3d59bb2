import type { Domain } from '../../../shared/config.ts';
import { deriveKey } from '../../math/philox.ts';
import type { Dataset } from '../../data/loadDataset.ts';
import { balancedSubset, largestBalanced } from '../../data/split.ts';
import { trainingParts } from '../../data/transfer.ts';

/** What `instances` is in a config that does not say. */
const DEFAULT_INSTANCES = 1000;

export interface CountsRequest {
  /** As `trainingInstances` of a config: a balanced subset of so many training images; null for all. */
  readonly trainingInstances: number | null;
  /** As `instances` of a config: so many balanced test images; null for the default, or as many as there can be. */
  readonly instances: number | null;
  /** Of the run, and the side of its transfer that the set is on: what validates depends on both. */
  readonly seed: number;
  readonly domain: Domain;
}

/** [K] each, by label. */
export interface ClassCounts {
  readonly training: readonly number[];
  readonly validation: readonly number[];
  readonly test: readonly number[];
  /** Of the test images, those that a run evaluates. */
  readonly evaluated: readonly number[];
}

/** How many images of each class a run trains, validates and evaluates on. @throws DataError where a subset cannot be drawn */
export function classCounts(data: Dataset, { trainingInstances, instances, seed, domain }: CountsRequest): ClassCounts {
  const { train, validation } = trainingParts({ data, trainingInstances }, { seed, domain });
  const { classes, test } = data;
  const count = (labels: ArrayLike<number>, members: ArrayLike<number>): number[] => {
    const counts = classes.map(() => 0);
    for (let i = 0; i < members.length; i++) counts[labels[members[i]]]++;
    return counts;
  };
  const evaluated = balancedSubset(
    {
      of: `test images of ${data.name} (${data.origin})`,
      labels: test.labels,
      classes,
      count: instances ?? Math.min(DEFAULT_INSTANCES, largestBalanced(test.labels, classes.length)),
    },
    // Which images are drawn depends on the key; how many of each class does not.
    deriveKey(seed, 'evaluated-instances', domain),
  );
  return {
    training: count(data.train.labels, train),
    validation: count(data.train.labels, validation),
    test: count(
      test.labels,
      Int32Array.from(test.labels, (_, i) => i),
    ),
    evaluated: count(test.labels, evaluated),
  };
}
