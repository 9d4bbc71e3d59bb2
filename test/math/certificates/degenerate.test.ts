import { describe, expect, it } from 'vitest';
import { certificationSchema } from '../../../src/shared/config.ts';
import { certificatesOf, type HeadDraws } from '../../../src/main/engine/smoothing/certificatesOf.ts';
import type { HeadWeights } from '../../../src/shared/results.ts';
import { normals } from '../heads.ts';

/**
 * Draws that say nothing: no method, rule or selection may make a certificate of them. Each row of the table makes the logits [n, K] and the
 * representations [D, n] of one kind of them.
 */
const K = 3;
const D = 2;
const N = 400;
const SELECTION = 100;

/** h(z) = (z₀, z₁, −5): class 0 is right by far where nothing is wrong. */
const HEAD: HeadWeights = {
  constraint: 'wn-l1',
  bound: 1,
  groupSize: 2,
  layers: [{ inputs: D, outputs: K, weight: Float32Array.of(1, 0, 0, 1, 0, 0), bias: Float32Array.of(0, 0, -5) }],
};
/** The same with nothing between the first two classes. */
const TIED_HEAD: HeadWeights = {
  ...HEAD,
  layers: [{ ...HEAD.layers[0], weight: Float32Array.of(1, 0, 1, 0, 0, 0) }],
};

interface Degenerate {
  readonly what: string;
  readonly head: HeadWeights;
  /** [D] of draw s. */
  readonly of: (s: number, noise: number) => readonly [number, number];
}
const everyDraw = (what: string, z: readonly [number, number], head = HEAD): Degenerate => ({
  what,
  head,
  of: () => z,
});
const CASES: readonly Degenerate[] = [
  everyDraw('all representations equal, logits tied', [1, 1]),
  { what: 'noise in the representations, logits tied', head: TIED_HEAD, of: (_s, noise) => [3 + noise, 0] },
  everyDraw('all representations equal, the head tied', [3, 0], TIED_HEAD),
  everyDraw('all zero, as of a dead extractor, logits tied', [0, 0]),
  ...[NaN, Infinity, -Infinity].flatMap((value) => [
    everyDraw(`${value} in the class's own coordinate`, [value, 0]),
    everyDraw(`${value} in a rival's coordinate`, [9, value]),
    everyDraw(`${value} everywhere`, [value, value]),
    {
      what: `${value} in every second draw`,
      head: HEAD,
      of: (s: number, noise: number): [number, number] => (s % 2 === 0 ? [value, 0] : [9 + noise, 0]),
    },
  ]),
];

function drawsOf({ head, of }: Degenerate, selection: 'separate' | 'shared'): HeadDraws {
  const sample = (count: number, name: string) => {
    const noise = normals(count, 'degenerate', name);
    const columns = new Float32Array(D * count);
    const logits = new Float32Array(K * count);
    const { weight, bias } = head.layers[0];
    for (let s = 0; s < count; s++) {
      const z = of(s, noise[s]);
      for (let d = 0; d < D; d++) columns[d * count + s] = z[d];
      for (let k = 0; k < K; k++) logits[s * K + k] = bias[k] + weight[k * D] * z[0] + weight[k * D + 1] * z[1];
    }
    for (let d = 0; d < D; d++) columns.subarray(d * count, (d + 1) * count).sort();
    return { columns, logits };
  };
  const [selected, estimated] = [sample(SELECTION, 'selection'), sample(N, 'estimation')];
  const isSeparate = selection === 'separate';
  return {
    facts: {
      ...{ seed: 1, sigma: 0.1, alpha: 0.05, draws: N, selectionDraws: isSeparate ? SELECTION : 0, selection },
      ...{ precision: 'float32', noise: 'float32', inputs: 0 },
    },
    weights: head,
    classes: K,
    selectionLogits: isSeparate ? selected.logits : null,
    estimationLogits: estimated.logits,
    columns: { selection: isSeparate ? selected.columns : null, estimation: estimated.columns },
  };
}

describe.each(['separate', 'shared'] as const)('no certificate, %s selection:', (selection) => {
  const settings = certificationSchema.parse({ selection, alpha: 0.05, draws: N });
  it.each(CASES)('$what', (degenerate) => {
    const certificates = certificatesOf(drawsOf(degenerate, selection), settings);
    expect(certificates).toHaveLength(8);
    for (const { verdict } of certificates) expect(verdict.outcome).toBe('abstained');
  });

  it('but where nothing is wrong all certify, so that the table could fail', () => {
    const fine = { what: '', head: HEAD, of: (_s: number, noise: number) => [9 + noise, noise] as const };
    for (const { verdict } of certificatesOf(drawsOf(fine, selection), settings)) {
      expect(verdict).toMatchObject({ outcome: 'certified', predicted: 0 });
    }
  });

  it('and representations that no noise moves certify what they say, for it is true of every draw', () => {
    const constant = everyDraw('', [3, 0]);
    for (const { verdict } of certificatesOf(drawsOf(constant, selection), settings)) {
      expect(verdict).toMatchObject({ outcome: 'certified', predicted: 0 });
    }
  });
});
