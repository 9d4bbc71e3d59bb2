import type { CertificateDraws, CertificateVerdict } from '../../src/main/math/certificates/verdict.ts';

/** The draws of the paper: n = 500 at σ = 0.1, α = 1e-4, the class from draws of its own. */
export const PAPER_DRAWS: CertificateDraws = {
  sigma: 0.1,
  alpha: 1e-4,
  draws: 500,
  selection: 'separate',
  noise: 'float32',
  inputs: 0,
};

/** −Infinity for an abstention, so that radii of any two verdicts compare. */
export function radiusOrNone(verdict: CertificateVerdict): number {
  return verdict.outcome === 'certified' ? verdict.radiusNormalised : -Infinity;
}

/** What may stand in the place of a number and is none. */
export const NOT_FINITE = [NaN, Infinity, -Infinity] as const;
