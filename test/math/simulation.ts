import { expect } from 'vitest';
import type { CertificateDraws, CertificateVerdict } from '../../src/main/math/certificates/verdict.ts';
import { logitVerdict, searchLogitBox } from '../../src/main/math/certificates/logit.ts';
import { representationVerdict, searchRepresentations } from '../../src/main/math/certificates/representation.ts';
import type { DenseHead } from '../../src/main/math/head.ts';
import { logitLevel, representationLevel, type LogitTest, type Selection } from '../../src/main/math/levels.ts';
import { largestUsableIndex } from '../../src/main/math/orderStatistics.ts';

/** Simulated certificates are of σ = 1, and of an α at which failures would be seen. */
export const SIMULATED = { sigma: 1, alpha: 0.1, draws: 100, noise: 'float32', inputs: 0 } as const;
export const TRIALS = 2000;

/** Standard deviation of the share of TRIALS independent trials that fail with this probability. */
const standardError = (probability: number): number => Math.sqrt((probability * (1 - probability)) / TRIALS);

/** Runs all trials and holds the share of false certificates to α, and to its exact probability where that is known. */
export function expectCoverage(isFalse: (trial: number) => boolean, exact?: number): void {
  let failures = 0;
  for (let trial = 0; trial < TRIALS; trial++) if (isFalse(trial)) failures += 1;
  const share = failures / TRIALS;
  expect(share).toBeLessThanOrEqual(SIMULATED.alpha + 4 * standardError(SIMULATED.alpha));
  if (exact === undefined) return;
  expect(exact).toBeLessThanOrEqual(SIMULATED.alpha);
  expect(Math.abs(share - exact)).toBeLessThanOrEqual(4 * standardError(exact));
}

/** Whether the certificate claims more than is so. */
export const claimsMoreThan = (trueRadius: number, verdict: CertificateVerdict): boolean =>
  verdict.outcome === 'certified' && verdict.radiusNormalised > trueRadius;

/** Each column of [n, D] ascending: [D, n]. */
export function sortedColumnsOf(rows: Float32Array, columns: number): Float32Array {
  const draws = rows.length / columns;
  const sorted = new Float32Array(rows.length);
  for (let i = 0; i < columns; i++) {
    for (let s = 0; s < draws; s++) sorted[i * draws + s] = rows[s * columns + i];
    sorted.subarray(i * draws, (i + 1) * draws).sort();
  }
  return sorted;
}

const drawsOf = (selection: Selection): CertificateDraws => ({ ...SIMULATED, selection });

export interface LogitCase {
  readonly selection: Selection;
  readonly logitTest: LogitTest;
  /** [K] */
  readonly selectionMedian: Float32Array;
}

/** From logits [n, K] to verdict. */
export function certifyLogits(rows: Float32Array, { selection, logitTest, selectionMedian }: LogitCase) {
  const classes = rows.length / SIMULATED.draws;
  const draws = drawsOf(selection);
  const largestIndex = largestUsableIndex(draws.draws, logitLevel({ ...draws, classes, logitTest }))!;
  const sorted = { sortedColumns: sortedColumnsOf(rows, classes), draws: draws.draws };
  const box = searchLogitBox({ sorted, selection, selectionMedian, largestIndex });
  return logitVerdict({ ...draws, logitTest, selectionMedian, ...box });
}

export interface RepresentationCase {
  readonly selection: Selection;
  readonly head: DenseHead;
  /** [D] */
  readonly selectionMedian: Float32Array;
}

/** From representations [n, D] to verdict, by the interval rule. */
export function certifyRepresentations(rows: Float32Array, { selection, head, selectionMedian }: RepresentationCase) {
  const dimension = rows.length / SIMULATED.draws;
  const draws = drawsOf(selection);
  const largestIndex = largestUsableIndex(draws.draws, representationLevel({ ...draws, dimension }))!;
  const sorted = { sortedColumns: sortedColumnsOf(rows, dimension), draws: draws.draws };
  const box = searchRepresentations({ sorted, selection, selectionMedian, largestIndex }, head).find('interval');
  return representationVerdict({ ...draws, selectionMedian, ...box }, head, 'interval');
}
