import type { DatasetChoice, Domain } from '../../shared/config.ts';
import { deriveKey } from '../math/philox.ts';
import type { DatasetOrigin, ImageShape } from './catalogue.ts';
import { DataError } from './dataError.ts';
import type { Dataset, LabelledImages, LoadOptions } from './loadDataset.ts';
import { channelStatistics, checkIndex, normalise, type ChannelStatistics } from './normalisation.ts';
import { openDataset } from './openDataset.ts';
import { resizeArea } from './resize.ts';
import { balancedSubset, splitTrainValidation } from './split.ts';

/** Images of one part of a domain, normalised (and resized) when asked for, so that no float copy of the part is held. */
export interface DomainImages {
  readonly count: number;
  readonly shape: ImageShape;
  /** K */
  readonly classes: number;
  /** Images 0 … count − 1 of the part, by position: [n, H, W, C], normalised units. @throws RangeError */
  images(indices: Int32Array): Float32Array;
  /** [n] @throws RangeError */
  labels(indices: Int32Array): Int32Array;
}

export interface TransferDomain {
  /** Its name, for people. */
  readonly dataset: string;
  readonly origin: DatasetOrigin;
  readonly fingerprint: string;
  /** Training images of the set, before a subset is taken. */
  readonly trainingImages: number;
  readonly classNames: readonly string[];
  readonly train: DomainImages;
  readonly validation: DomainImages;
  /** The whole test part, so that a position in it is the dataset index of a certificate. */
  readonly test: DomainImages;
}

export interface Transfer {
  readonly source: TransferDomain;
  readonly target: TransferDomain;
  /** Of the source's training split; both domains are normalised by it (METHOD.md §5). */
  readonly statistics: ChannelStatistics;
}

export interface DomainRequest {
  readonly dataset: DatasetChoice;
  /** Size of a balanced subset of the training images, before validation images are split off; null for all. */
  readonly trainingInstances: number | null;
}

export interface TransferRequest {
  readonly source: DomainRequest;
  readonly target: DomainRequest & { readonly size: 'source' | 'native' };
  /** Of the run: subsets and splits derive from it, for each domain on its own. */
  readonly seed: number;
}

/**
 * Both domains of a transfer as one extractor sees them (METHOD.md §5): subsets drawn, validation split off, the
 * source's normalisation on both, the target resized to the source unless it keeps its own size.
 * @throws DataError when a set cannot be read, a subset cannot be drawn, or the channels differ.
 */
export function prepareTransfer({ source, target, seed }: TransferRequest, options: LoadOptions = {}): Transfer {
  return transferBetween(
    {
      source: { ...source, data: openDataset(source.dataset, options) },
      target: { ...target, data: openDataset(target.dataset, options) },
    },
    seed,
  );
}

interface Loaded extends DomainRequest {
  readonly data: Dataset;
}

/** As prepareTransfer, of sets already read. @throws DataError */
export function transferBetween(
  { source, target }: { readonly source: Loaded; readonly target: Loaded & { readonly size: 'source' | 'native' } },
  seed: number,
): Transfer {
  checkChannels(source.data, target.data);
  const sourceParts = trainingParts(source, { seed, domain: 'source' });
  const statistics = channelStatistics(
    { images: source.data.train.images, shape: source.data.shape },
    sourceParts.train,
  );
  const shape = target.size === 'source' ? source.data.shape : target.data.shape;
  const targetParts = trainingParts(target, { seed, domain: 'target' });
  return {
    source: domainOf(source.data, { parts: sourceParts, statistics, shape: source.data.shape }),
    target: domainOf(target.data, { parts: targetParts, statistics, shape }),
    statistics,
  };
}

/** One extractor reads both. @throws DataError */
function checkChannels(source: Dataset, target: Dataset): void {
  if (source.shape.channels === target.shape.channels) return;
  throw new DataError({
    operation: `transferring from ${source.name} to ${target.name}`,
    quantity: 'channels of the images',
    got: `${source.shape.channels} in ${source.name} and ${target.shape.channels} in ${target.name}`,
    expected: 'the same number in both',
    cure: 'choose two sets with as many channels',
  });
}

export interface TrainingParts {
  readonly train: Int32Array;
  readonly validation: Int32Array;
}

/** Indices into the set's training images. @throws DataError */
export function trainingParts(
  { data, trainingInstances }: Pick<Loaded, 'data' | 'trainingInstances'>,
  { seed, domain }: { seed: number; domain: Domain },
): TrainingParts {
  const { labels } = data.train;
  const chosen =
    trainingInstances === null
      ? Int32Array.from(labels, (_, i) => i)
      : balancedSubset(
          {
            of: `training images of ${data.name} (${data.origin})`,
            labels,
            classes: data.classes,
            count: trainingInstances,
          },
          deriveKey(seed, 'training-subset', domain),
        );
  return splitTrainValidation(chosen, deriveKey(seed, 'validation-split', domain));
}

interface View {
  readonly statistics: ChannelStatistics;
  /** The shape images are served in. */
  readonly shape: ImageShape;
}

function domainOf(data: Dataset, { parts, ...view }: View & { readonly parts: TrainingParts }): TransferDomain {
  const everyTest = Int32Array.from(data.test.labels, (_, i) => i);
  return {
    dataset: data.name,
    origin: data.origin,
    fingerprint: data.fingerprint,
    trainingImages: data.train.labels.length,
    classNames: data.classes,
    train: imagesAt(data, { part: data.train, members: parts.train, ...view }),
    validation: imagesAt(data, { part: data.train, members: parts.validation, ...view }),
    test: imagesAt(data, { part: data.test, members: everyTest, ...view }),
  };
}

/** `members` are the indices into the part that this view holds, in its order. */
function imagesAt(
  data: Dataset,
  { part, members, statistics, shape }: View & { readonly part: LabelledImages; readonly members: Int32Array },
): DomainImages {
  const stored = { images: part.images, shape: data.shape };
  const memberAt = (position: number): number => {
    checkIndex(position, members.length);
    return members[position];
  };
  return {
    count: members.length,
    shape,
    classes: data.classes.length,
    images: (indices) => {
      const normalised = normalise(stored, indices.map(memberAt), statistics);
      // Averaging and normalising commute: the weights of a new pixel add up to one.
      const resized = shape.height !== data.shape.height || shape.width !== data.shape.width;
      return resized ? resizeArea(normalised, data.shape, shape) : normalised;
    },
    labels: (indices) => Int32Array.from(indices, (position) => part.labels[memberAt(position)]),
  };
}
