import type { CertificationSettings, Consistency, TrainingSettings } from '../../../shared/config.ts';

/** What every training reads, whatever its inputs are. */
export type TrainingPace = Pick<
  TrainingSettings,
  'learningRate' | 'batchSize' | 'maxEpochs' | 'validationEvery' | 'patience'
>;
type Perturbed = TrainingPace & Pick<TrainingSettings, 'epsilon'>;

export interface UnattackedTraining extends Perturbed {
  readonly procedure: 'normal' | 'noise';
}

export interface GaussianTraining extends TrainingPace {
  readonly procedure: 'gaussian';
  readonly sigma: number;
  readonly consistency?: Consistency;
}

interface EveryAttackedTraining extends Perturbed {
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
export type EffectiveTraining = UnattackedTraining | GaussianTraining | AttackedTraining;

export function effectiveTraining(
  settings: TrainingSettings,
  certification: Pick<CertificationSettings, 'sigma'>,
): EffectiveTraining {
  const { procedure, epsilon } = settings;
  const pace = trainingPace(settings);
  if (procedure === 'gaussian') {
    const { consistency, sigma = certification.sigma } = settings;
    return { procedure, ...pace, sigma, ...(consistency === undefined ? {} : { consistency }) };
  }
  const every = { epsilon, ...pace };
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

export function trainingPace({
  learningRate,
  batchSize,
  maxEpochs,
  validationEvery,
  patience,
}: TrainingPace): TrainingPace {
  return { learningRate, batchSize, maxEpochs, validationEvery, patience };
}

export function isAttacked(settings: EffectiveTraining): settings is AttackedTraining {
  const { procedure } = settings;
  return procedure === 'adv' || procedure === 'adv-d' || procedure === 'adv-s';
}

/** Rows that a training step makes of an image: m under `adv-s` and `gaussian` with consistency, else one. */
export function rowsPerImage(settings: EffectiveTraining): number {
  if (settings.procedure === 'adv-s') return settings.noiseDraws;
  return settings.procedure === 'gaussian' ? (settings.consistency?.draws ?? 1) : 1;
}
