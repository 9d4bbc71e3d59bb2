import type { CertificationSettings, DrawBank } from '../../../shared/config.ts';

interface Kept {
  /** m */
  readonly draws: number;
  /** r */
  readonly drawsPerStep: number;
  readonly sigma: number;
  readonly precision: DrawBank['precision'];
}

/** What a training on kept draws reads of its settings, with defaults filled in, and nothing else: stages are keyed by it. */
export type EffectiveDrawBank = Kept &
  (
    | { readonly objective: 'cross-entropy' }
    | { readonly objective: 'consistency'; readonly weight: number }
    | { readonly objective: 'macer'; readonly weight: number; readonly gamma: number; readonly beta: number }
  );

/** λ of Jeong & Shin 2020 at σ = 0.25, and of Zhai et al. 2020 there. */
const DEFAULT_WEIGHTS = { consistency: 10, macer: 12 } as const;

/** λ of the objective, its default filled in; null for an objective without a term. */
export const weightOf = ({ objective, weight }: Pick<DrawBank, 'objective' | 'weight'>): number | null =>
  objective === 'cross-entropy' ? null : (weight ?? DEFAULT_WEIGHTS[objective]);

/** A pair is the fewest that can be consistent. */
const PAIR = 2;

export function effectiveDrawBank(
  { draws, drawsPerStep, sigma, objective, weight, gamma, beta, precision }: DrawBank,
  certification: Pick<CertificationSettings, 'sigma'>,
): EffectiveDrawBank {
  const perStep = drawsPerStep ?? (objective === 'macer' ? draws : Math.min(PAIR, draws));
  const kept = { draws, drawsPerStep: perStep, sigma: sigma ?? certification.sigma, precision };
  switch (objective) {
    case 'cross-entropy':
      return { ...kept, objective };
    case 'consistency':
      return { ...kept, objective, weight: weight ?? DEFAULT_WEIGHTS.consistency };
    case 'macer':
      return { ...kept, objective, weight: weight ?? DEFAULT_WEIGHTS.macer, gamma, beta };
  }
}
