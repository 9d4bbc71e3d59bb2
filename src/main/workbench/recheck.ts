import { verdictOf } from '../engine/smoothing/verdictOf.ts';
import { argmax, headLogits } from '../math/head.ts';
import { effectiveLogitTest } from '../math/levels.ts';
import { isProof, MARGIN_RULES } from '../math/marginRules.ts';
import { falsificationProblems } from './recheckFalsification.ts';
import { isSameBound } from './sameBound.ts';
import type { ExperimentConfig } from '../../shared/config.ts';
import type { CertificateRecord, Evidence, HeadWeights, Verdict } from '../../shared/results.ts';

/**
 * What is wrong with a stored certificate, a phrase each; nothing when it holds: the verdict follows from the evidence
 * and the head, the evidence speaks of the draws that the config asked for, and what is stored beside the verdict (soundness, margins,
 * prediction of the median, falsifying points) is what the evidence says.
 */
export function recheck(record: CertificateRecord, head: HeadWeights, config: ExperimentConfig): string[] {
  try {
    return [
      ...factProblems(record, config),
      ...verdictProblems(record, head),
      ...besideProblems(record, head),
      ...falsificationProblems(record, head, config),
    ];
  } catch (error) {
    // A verdict refuses evidence that cannot come from draws: damaged or forged.
    if (error instanceof RangeError) return [error.message];
    throw error;
  }
}

/** A verdict at another σ, α or n than the run's would be a true one about another question. */
function factProblems({ evidence, method, rule }: CertificateRecord, config: ExperimentConfig): string[] {
  const { sigma, alpha, draws, selectionDraws, selection, logitTest, noise } = config.certification;
  const expected: Record<string, unknown> = {
    method,
    seed: config.seed,
    sigma,
    alpha,
    draws,
    selection,
    precision: config.precision,
    noise,
    selectionDraws: selection === 'separate' ? selectionDraws : 0,
    ...(method === 'representation' ? { rule } : {}),
    ...(method === 'logit' ? { logitTest: effectiveLogitTest(selection, logitTest) } : {}),
  };
  const got = evidence as unknown as Record<string, unknown>;
  return Object.entries(expected).flatMap(([name, value]) =>
    got[name] === value ? [] : [`${name} of the evidence is ${String(got[name])}, the run's is ${String(value)}`],
  );
}

function verdictProblems({ evidence, verdict }: CertificateRecord, head: HeadWeights): string[] {
  const anew = verdictOf(evidence, head);
  return sameVerdict(anew, verdict)
    ? []
    : [`the stored verdict is "${describeVerdict(verdict)}", the evidence says "${describeVerdict(anew)}"`];
}

function besideProblems(record: CertificateRecord, head: HeadWeights): string[] {
  const { evidence, soundness, medianPrediction } = record;
  const proves = evidence.method !== 'representation' || isProof(evidence.rule, head.constraint);
  const problems = (soundness === 'proved') === proves ? [] : [`it is stored as "${soundness}", which it is not`];
  const median = medianPredictionOf(evidence, head);
  if (median !== medianPrediction) {
    problems.push(`the stored prediction of the median is ${medianPrediction}, the evidence says ${median}`);
  }
  if (evidence.method === 'representation' && !marginsAgree(evidence, head)) {
    problems.push('the stored margins are not those of the box');
  }
  return problems;
}

function medianPredictionOf(evidence: Evidence, head: HeadWeights): number | null {
  switch (evidence.method) {
    case 'label':
    case 'pairwise':
      return null;
    case 'logit':
      return argmax(evidence.median);
    case 'representation':
      return argmax(headLogits(head, evidence.median));
  }
}

function marginsAgree(evidence: Extract<Evidence, { method: 'representation' }>, head: HeadWeights): boolean {
  const { median, selectionMedian, selection, rule, marginLower } = evidence;
  const c = argmax(headLogits(head, selection === 'separate' ? selectionMedian : median));
  const anew = MARGIN_RULES[rule](head, evidence, c);
  return anew.length === marginLower.length && anew.every((margin, j) => isSameBound(margin, marginLower[j]));
}

function sameVerdict(a: Verdict, b: Verdict): boolean {
  if (a.outcome === 'certified') {
    return (
      b.outcome === 'certified' && a.predicted === b.predicted && Object.is(a.radiusNormalised, b.radiusNormalised)
    );
  }
  return b.outcome === 'abstained' && a.predicted === b.predicted && a.reason === b.reason;
}

export function describeVerdict(verdict: Verdict): string {
  return verdict.outcome === 'certified'
    ? `certified ${verdict.predicted}, radius ${verdict.radiusNormalised}`
    : `abstained on ${verdict.predicted}, ${verdict.reason}`;
}
