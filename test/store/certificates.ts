import type { CertificateRecord, DrawsEvidence } from '../../src/shared/results.ts';

const DRAWS: DrawsEvidence = {
  seed: 7,
  sigma: 0.1,
  alpha: 1e-4,
  draws: 500,
  selectionDraws: 100,
  selection: 'separate',
  precision: 'float32',
  noise: 'float32',
  inputs: 0,
};

/** One certificate of every method and rule, each different for every index; awkward numbers included. */
export function certificatesOf(datasetIndex: number): CertificateRecord[] {
  const label = datasetIndex % 10;
  const common = { datasetIndex, label, soundness: 'proved' as const, falsification: null };
  const median = Float32Array.of(datasetIndex / 3, -0, NaN, Infinity);
  const box = { selectionMedian: new Float32Array(), median, k: 38, lower: median.map((x) => x - 1), upper: median };
  const certified = { outcome: 'certified' as const, predicted: label };
  return [
    {
      ...common,
      method: 'label',
      rule: null,
      verdict: { ...certified, radiusNormalised: 0.1 + datasetIndex },
      radiusPixels: 0.03,
      medianPrediction: null,
      evidence: {
        ...DRAWS,
        method: 'label',
        selectionCounts: Int32Array.of(100, 0),
        counts: Int32Array.of(499, 1 + datasetIndex),
      },
    },
    {
      ...common,
      method: 'pairwise',
      rule: null,
      verdict: { outcome: 'abstained', predicted: 3, reason: 'a-rival-may-win' },
      radiusPixels: null,
      medianPrediction: null,
      evidence: {
        ...DRAWS,
        method: 'pairwise',
        selectionWorstWins: Int32Array.of(-1, 2 ** 31 - 1),
        wins: Int32Array.of(500, 250),
      },
    },
    {
      ...common,
      method: 'logit',
      rule: null,
      verdict: { ...certified, predicted: label + 1, radiusNormalised: 0 },
      radiusPixels: -0,
      medianPrediction: label + 1,
      evidence: { ...DRAWS, ...box, method: 'logit', logitTest: 'pairs' },
    },
    ...(['paper', 'interval'] as const).map((rule): CertificateRecord => ({
      ...common,
      method: 'representation',
      rule,
      soundness: rule === 'paper' ? 'published-rule' : 'proved',
      verdict: { ...certified, radiusNormalised: rule === 'paper' ? 1 / 3 : Infinity },
      radiusPixels: 5e-324,
      medianPrediction: label,
      falsification:
        rule === 'paper'
          ? { atRadius: { k: 38, rival: 1, marginUpper: -5e-324, point: median }, atSmallestBox: null }
          : null,
      evidence: { ...DRAWS, ...box, method: 'representation', rule, marginLower: Float64Array.of(Infinity, 1e-310) },
    })),
  ];
}
