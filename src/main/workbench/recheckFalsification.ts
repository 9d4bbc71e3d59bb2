import { needsFalsification } from '../engine/smoothing/falsificationOf.ts';
import { marginUpperAt } from '../math/falsification.ts';
import { argmax, headLogits } from '../math/head.ts';
import { representationLevel } from '../math/levels.ts';
import { largestUsableIndex } from '../math/orderStatistics.ts';
import type { ExperimentConfig } from '../../shared/config.ts';
import { isSameBound } from './sameBound.ts';
import type { CertificateRecord, FalsifyingPoint, HeadWeights, RepresentationEvidence } from '../../shared/results.ts';

/**
 * What is wrong with the falsifying points of a certificate, a phrase each: each has to lie in the certificate's box and to
 * have another prediction there. That one lies in the smallest box too takes the draws: `--redraw`.
 */
export function falsificationProblems(
  record: CertificateRecord,
  head: HeadWeights,
  config: ExperimentConfig,
): string[] {
  const { evidence, verdict, falsification } = record;
  if (needsFalsification(config.certification, record) !== (falsification !== null)) {
    const is = falsification === null ? 'was not' : 'was';
    return [`it ${is} searched for falsifying points, which the run's config does not say`];
  }
  if (falsification === null || evidence.method !== 'representation') return [];
  const claim = { head, evidence, c: verdict.predicted };
  const { atRadius, atSmallestBox } = falsification;
  return [
    ...(atRadius === null ? [] : pointProblems(atRadius, { ...claim, where: 'at the radius', k: evidence.k })),
    ...(atSmallestBox === null
      ? []
      : pointProblems(atSmallestBox, { ...claim, where: 'in the smallest box', k: smallestBoxIndex(evidence) })),
  ];
}

interface Claim {
  readonly head: HeadWeights;
  readonly evidence: RepresentationEvidence;
  readonly c: number;
  readonly where: string;
  /** That the point must name. */
  readonly k: number | null;
}

function smallestBoxIndex(evidence: RepresentationEvidence): number | null {
  const level = representationLevel({ ...evidence, dimension: evidence.median.length });
  return largestUsableIndex(evidence.draws, level);
}

function pointProblems({ k, rival, marginUpper, point }: FalsifyingPoint, claim: Claim): string[] {
  const { head, evidence, c, where } = claim;
  const name = `the falsifying point ${where}`;
  const problems: string[] = [];
  if (k !== claim.k) problems.push(`${name} is of index ${k}, expected ${claim.k}`);
  const outside = point.findIndex((z, i) => !(z >= evidence.lower[i] && z <= evidence.upper[i]));
  if (outside !== -1) problems.push(`${name} lies outside the box in coordinate ${outside}`);
  const predicted = argmax(headLogits(head, point));
  if (predicted !== rival || rival === c) problems.push(`${name} has the prediction ${predicted}, not ${rival}`);
  const anew = marginUpperAt(head, point, { c, rival });
  if (!isSameBound(anew, marginUpper) || !(anew <= 0)) {
    problems.push(`${name} has a margin of at most ${anew}, stored is ${marginUpper}, expected the same and ≤ 0`);
  }
  return problems;
}
