import type { Domain, Rule } from '../../../shared/config.ts';
import { headLogits } from '../../math/head.ts';
import { linearAnalysisOver } from '../../math/linearBounds/linearMargins.ts';
import type { Store } from '../../store/store.ts';
import { BadInput } from '../errors.ts';
import { headWeights, stageOf, storedRun } from '../storedRun.ts';

export interface MarginLosses {
  /** [D], each ≥ 0 */
  readonly losses: Float64Array;
  readonly marginAtMedian: number;
  /** By the certificate's own rule. */
  readonly marginLower: number;
}

/**
 * Where h_c − h_rival goes between the median and the worst corner of the stored box (METHOD.md §4, rule linear): the line
 * below the margin falls by slope times distance in each coordinate. Exact for one layer, where the line is the margin.
 * @throws BadInput where the image has no such certificate, or the rival is the class itself
 */
export function marginLosses(
  store: Store,
  {
    run: id,
    domain,
    head,
    index,
    rule,
    rival,
  }: {
    readonly run: number;
    readonly domain: Domain;
    readonly head: string;
    readonly index: number;
    readonly rule: Rule;
    readonly rival: number;
  },
): MarginLosses {
  const run = storedRun(store, id);
  const stage = stageOf(run, 'certification', { domain, head });
  const record = (stage === undefined ? [] : store.results.instanceCertificates(stage.id, index)).find(
    (one) => one.rule === rule,
  );
  if (record?.evidence.method !== 'representation') {
    throw new BadInput(`run ${id} has no representation certificate by ${rule} of test image ${index} under "${head}"`);
  }
  const { evidence } = record;
  const c = record.verdict.predicted;
  if (rival === c || rival >= evidence.marginLower.length) {
    throw new BadInput(`rival: got class ${rival}, expected one of ${evidence.marginLower.length} other than ${c}`);
  }
  const weights = headWeights(store, run, { domain, head });
  const { slopes, corner } = linearAnalysisOver(weights, c)(evidence).worst.find((worst) => worst.rival === rival)!;
  const logits = headLogits(weights, evidence.median);
  return {
    losses: slopes.map((slope, d) => slope * (evidence.median[d] - corner[d])),
    marginAtMedian: logits[c] - logits[rival],
    marginLower: evidence.marginLower[rival],
  };
}
