import * as tf from '@tensorflow/tfjs-core';
import type { CertificationSettings, Domain, HeadSearch, Precision } from '../../../shared/config.ts';
import type { HeadScore, LabelEvidence } from '../../../shared/results.ts';
import type { DomainImages } from '../../data/transfer.ts';
import { labelVerdict } from '../../math/certificates/label.ts';
import { countVotes } from '../../math/certificates/votes.ts';
import { deriveKey, shuffledIndices } from '../../math/philox.ts';
import type { StageContext } from '../context.ts';
import { classify, disposeHead, freezeHead, type FrozenHead } from '../models/head.ts';
import type { FrozenExtractor } from '../models/wideResNet.ts';
import type { NamedHead } from '../process/protocol.ts';
import { takeValues } from '../readBack.ts';
import { drawBank, type DrawBank } from '../training/drawBank.ts';
import { firstDraws, type BankKeeping } from '../training/headBanks.ts';

export interface ScoreHeadsInputs {
  readonly extractor: FrozenExtractor;
  readonly heads: readonly NamedHead[];
  readonly domain: Domain;
  /** The images that are certified: no others are read. */
  readonly validation: DomainImages;
  readonly seed: number;
  readonly precision: Precision;
  readonly search: HeadSearch;
  readonly certification: Pick<CertificationSettings, 'sigma' | 'alpha' | 'selection'>;
  readonly keeping: BankKeeping;
}

export interface ScoreHeadsContext extends StageContext {
  scored(head: string, score: HeadScore): void;
}

/**
 * The mean label radius of each head on validation images (METHOD.md §4), all heads from the same draws, which are keyed apart from those
 * that heads are trained on and from those of certificates. It is for choosing a head: the certificates of the chosen one are those of test
 * instances, which nothing here has seen.
 */
export async function scoreHeads(inputs: ScoreHeadsInputs, context: ScoreHeadsContext): Promise<void> {
  const { validation, seed, domain, search, certification } = inputs;
  const order = shuffledIndices(validation.count, deriveKey(seed, 'head-search-images', domain));
  const indices = Int32Array.from(order.subarray(0, search.instances));
  const bankOf = (part: 'search-selection' | 'search-estimation', draws: number): Promise<DrawBank> => {
    const { extractor, keeping } = inputs;
    const { sigma } = certification;
    const drawn = { extractor, set: validation, seed, domain, part, indices, draws, sigma };
    return drawBank({ ...drawn, precision: 'float32', ...keeping }, context);
  };
  const banks: DrawBank[] = [];
  try {
    const estimation = await bankOf('search-estimation', search.draws);
    banks.push(estimation);
    const selection =
      certification.selection === 'separate' ? await bankOf('search-selection', search.selectionDraws) : null;
    if (selection !== null) banks.push(selection);
    const labels = validation.labels(indices);
    for (const [i, { id, weights }] of inputs.heads.entries()) {
      const head = freezeHead(weights);
      try {
        context.scored(id, await scoreOf(head, inputs, { estimation, selection, labels, context }));
      } finally {
        disposeHead(head);
      }
      context.progress(i + 1, inputs.heads.length);
    }
  } finally {
    for (const bank of banks) bank.dispose();
  }
}

interface Drawn {
  readonly estimation: DrawBank;
  /** Null when the selection is shared. */
  readonly selection: DrawBank | null;
  /** [images] */
  readonly labels: Int32Array;
  readonly context: StageContext;
}

async function scoreOf(
  head: FrozenHead,
  { certification: { sigma, alpha, selection: how }, seed, precision }: ScoreHeadsInputs,
  { estimation, selection, labels, context }: Drawn,
): Promise<HeadScore> {
  // Scores choose a head and prove nothing: float32 noise will do for them.
  const facts = { seed, sigma, alpha, selection: how, precision, noise: 'float32', inputs: 0 } as const;
  let sum = 0;
  let certified = 0;
  for (const [image, label] of labels.entries()) {
    const counts = await votesOf(head, estimation, image);
    const evidence: LabelEvidence = {
      ...facts,
      method: 'label',
      draws: estimation.draws,
      selectionDraws: selection?.draws ?? 0,
      counts,
      selectionCounts: selection === null ? counts : await votesOf(head, selection, image),
    };
    const verdict = labelVerdict(evidence);
    await context.breathe();
    if (verdict.outcome !== 'certified' || verdict.predicted !== label) continue;
    certified++;
    sum += verdict.radiusNormalised;
  }
  return { instances: labels.length, certified, meanRadiusNormalised: sum / labels.length };
}

async function votesOf(head: FrozenHead, bank: DrawBank, image: number): Promise<Int32Array> {
  const values = bank.rows(Int32Array.of(image), firstDraws(bank.draws));
  const logits = tf.tidy(() => classify(head, tf.tensor2d(values, [bank.draws, bank.dimension])));
  return countVotes(await takeValues(logits), head.classes);
}
