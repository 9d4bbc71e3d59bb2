import type { CertificationSettings, TrainingSettings } from '../../../shared/config.ts';

type EveryTraining = Pick<
  TrainingSettings,
  'epsilon' | 'learningRate' | 'batchSize' | 'maxEpochs' | 'validationEvery' | 'patience'
>;

export interface UnattackedTraining extends EveryTraining {
  readonly procedure: 'normal' | 'noise';
}

interface EveryAttackedTraining extends EveryTraining {
  readonly attackSteps: number;
  /** Step length as a share of epsilon. */
  readonly relativeStep: number;
}

/** A training on inputs that PGD makes worse first. */
export type AttackedTraining = EveryAttackedTraining &
  (
    | { readonly procedure: 'adv' }
    | { readonly procedure: 'adv-d'; readonly representationWeight: number }
    | { readonly procedure: 'adv-s'; readonly noiseDraws: number; readonly sigma: number }
  );

/**
 * What a training reads of its settings, with defaults filled in, and nothing else: stages are keyed by it, so what is
 * missing here cannot decide a result (METHOD.md §2).
 */
export type EffectiveTraining = UnattackedTraining | AttackedTraining;

export function effectiveTraining(
  settings: TrainingSettings,
  certification: Pick<CertificationSettings, 'sigma'>,
): EffectiveTraining {
  const { procedure, epsilon, learningRate, batchSize, maxEpochs, validationEvery, patience } = settings;
  const every = { epsilon, learningRate, batchSize, maxEpochs, validationEvery, patience };
  if (procedure === 'normal' || procedure === 'noise') return { procedure, ...every };
  const { attackSteps, representationWeight, noiseDraws } = settings;
  // 2.5 times the way from centre to boundary, over all steps.
  const attacked = { ...every, attackSteps, relativeStep: settings.relativeStep ?? 2.5 / attackSteps };
  switch (procedure) {
    case 'adv':
      return { procedure, ...attacked };
    case 'adv-d':
      return { procedure, ...attacked, representationWeight };
    case 'adv-s':
      return { procedure, ...attacked, noiseDraws, sigma: settings.sigma ?? certification.sigma };
  }
}

export function isAttacked(settings: EffectiveTraining): settings is AttackedTraining {
  return settings.procedure !== 'normal' && settings.procedure !== 'noise';
}

/** Rows that a training step makes of an image: m under `adv-s`, else one. */
export function rowsPerImage(settings: EffectiveTraining): number {
  return settings.procedure === 'adv-s' ? settings.noiseDraws : 1;
}
