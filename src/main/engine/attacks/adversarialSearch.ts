import { closestAdversarials } from '../../math/halfSpaces.ts';
import { argmax, headInputs, headLogits } from '../../math/head.ts';
import type { AdversarialSearchSettings } from '../../../shared/config.ts';
import type { AdversarialSearchRecord, HeadWeights } from '../../../shared/results.ts';
import type { DomainImages } from '../../data/transfer.ts';
import type { StageContext } from '../context.ts';
import { imagesOfPass } from '../imageSet.ts';
import { disposeHead, freezeHead } from '../models/head.ts';
import type { FrozenExtractor } from '../models/wideResNet.ts';
import { Passes } from '../passes.ts';
import { compileRepresentations } from '../representations.ts';
import { searchInFullBatches } from './fullBatches.ts';
import { inputSearch, type Goal, type SearchTarget } from './inputSearch.ts';

/** Clean instances in a pass. */
const BATCH = 128;

export interface AdversarialSearchInputs {
  readonly extractor: FrozenExtractor;
  /** Of one layer. */
  readonly weights: HeadWeights;
  readonly set: DomainImages;
  readonly indices: Int32Array;
  readonly settings: AdversarialSearchSettings;
}

/** What is known of an instance before its input search. */
type Settled = AdversarialSearchRecord & { readonly input: null };

/**
 * Searches for adversarial representations of the correctly classified instances and, if asked for, inputs that come near
 * them (METHOD.md §3). The first is exact and costs next to nothing; the second is a search that may miss.
 * @throws RangeError for a head of several layers
 */
export async function adversarialSearch(
  inputs: AdversarialSearchInputs,
  context: StageContext & { searched(records: readonly AdversarialSearchRecord[]): void },
): Promise<void> {
  const { extractor, weights, set, indices, settings } = inputs;
  const settled = new Map((await representationSearch(inputs, context)).map((one) => [one.datasetIndex, one]));
  const goals = settings.inputSearch ? [...settled.values()].flatMap(goalOf) : [];
  const searching = new Set(goals.map(({ datasetIndex }) => datasetIndex));
  const done = [...settled.values()].filter(({ datasetIndex }) => !searching.has(datasetIndex));
  if (done.length > 0) context.searched(done);
  context.progress(done.length, indices.length);
  if (goals.length === 0) return;
  const head = freezeHead(weights);
  try {
    await searchInFullBatches(inputSearch({ extractor, head, set, settings }, goals), {
      ...context,
      progress: (searched) => context.progress(done.length + searched, indices.length),
      finished: (targets: readonly SearchTarget[]) =>
        context.searched(targets.map(({ goal, input }) => ({ ...settled.get(goal.datasetIndex)!, input }))),
    });
  } finally {
    disposeHead(head);
  }
}

function goalOf({ datasetIndex, predicted, representation }: Settled): Goal[] {
  return representation === null ? [] : [{ datasetIndex, predicted, point: representation.point }];
}

async function representationSearch(
  { extractor, weights, set, indices }: AdversarialSearchInputs,
  context: StageContext,
): Promise<Settled[]> {
  const step = compileRepresentations(extractor);
  const passes = new Passes({ rows: BATCH, of: 'representations', release: () => step.dispose() }, context);
  try {
    const rowsOf = (pass: Parameters<typeof imagesOfPass>[2]) =>
      step.run({ images: imagesOfPass(set, indices, pass) }).representations;
    const { values } = await passes.gather(indices.length, rowsOf);
    const labels = set.labels(indices);
    const dimension = headInputs(weights);
    const closest = closestAdversarials(weights, values);
    return Array.from(indices, (datasetIndex, row): Settled => {
      const label = labels[row];
      const predicted = argmax(headLogits(weights, values.subarray(row * dimension, (row + 1) * dimension)));
      return { datasetIndex, label, predicted, representation: predicted === label ? closest[row] : null, input: null };
    });
  } finally {
    step.dispose();
  }
}
