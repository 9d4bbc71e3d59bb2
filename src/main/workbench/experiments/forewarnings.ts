import type { Domain, ExperimentConfig, Method, TrainingSettings } from '../../../shared/config.ts';
import { datasetFacts } from '../../data/datasetFacts.ts';
import { effectiveDrawBank } from '../../engine/training/effectiveDrawBank.ts';
import { effectiveTraining } from '../../engine/training/effectiveTraining.ts';
import { representationSize, WIDE_RES_NETS } from '../../engine/models/wideResNetShape.ts';
import { LARGEST_RADIUS, type RadiusRequest } from '../../math/largestRadius.ts';
import { effectiveLogitTest } from '../../math/levels.ts';

/**
 * What a user may want to change before a run that is valid as it is, a sentence each. So far one: certificates at a σ whose noise no
 * training saw, which reach a fraction of what they could (docs/findings.md).
 */
export function forewarnings(config: ExperimentConfig): string[] {
  const { certification } = config;
  if (!certification.enabled || sigmasTrainedAt(config).includes(certification.sigma)) return [];
  const { source, heads } = config.training;
  return [
    `certification.sigma is ${certification.sigma}, and no training sees noise of that σ (extractor: ${trainingText(source)}; ` +
      `heads: ${trainingText(heads)}), so certificates will reach less far than they could; ` +
      'train the extractor with "gaussian", or give heads a drawBank',
  ];
}

/** Of the noise in the inputs of any training. */
function sigmasTrainedAt({ training, heads, certification }: ExperimentConfig): number[] {
  const byProcedure = heads.some(({ drawBank }) => drawBank === undefined) ? [training.heads] : [];
  const procedures = [training.source, ...byProcedure].map((settings) => effectiveTraining(settings, certification));
  return [
    ...procedures.flatMap((settings) => ('sigma' in settings ? settings.sigma : [])),
    ...heads.flatMap(({ drawBank }) =>
      drawBank === undefined ? [] : effectiveDrawBank(drawBank, certification).sigma,
    ),
  ];
}

function trainingText({ procedure, epsilon, sigma }: TrainingSettings): string {
  if (procedure === 'normal') return `"${procedure}"`;
  if (procedure === 'gaussian' || procedure === 'adv-s')
    return `"${procedure}" at σ ${sigma ?? 'of the certification'}`;
  return `"${procedure}" at epsilon ${epsilon}`;
}

/** The largest radius, normalised units, that n and α allow each method of a config, whatever the model is; null without certificates. */
export function radiusCeilings(config: ExperimentConfig, classes: number): Partial<Record<Method, number>> | null {
  const { enabled, methods } = config.certification;
  if (!enabled) return null;
  const request = radiusRequest(config, { classes, inputs: inputsOf(config, 'target') });
  return Object.fromEntries(methods.map((method) => [method, LARGEST_RADIUS[method](request)]));
}

/** What of a config decides how far its certificates can reach. */
export function radiusRequest(
  { certification, extractor }: ExperimentConfig,
  of: Pick<RadiusRequest, 'classes' | 'inputs'>,
): RadiusRequest {
  const { draws, sigma, alpha, selection, logitTest, noise } = certification;
  const dimension = representationSize(WIDE_RES_NETS[extractor.preset]);
  return {
    draws,
    sigma,
    alpha,
    selection,
    noise,
    logitTest: effectiveLogitTest(selection, logitTest),
    dimension,
    ...of,
  };
}

/** d, values of one image of a domain as the extractor reads it, where the lattice asks for it, else 0. @throws DataError */
export function inputsOf(config: ExperimentConfig, domain: Domain): number {
  if (config.certification.noise === 'float32') return 0;
  const isNative = domain === 'target' && config.target.size === 'native';
  const { height, width, channels } = datasetFacts(config[isNative ? 'target' : 'source'].dataset).shape;
  return height * width * channels;
}

/** The same in a sentence, before a run; null without certificates. */
export function ceilingText(config: ExperimentConfig, classes: number): string | null {
  const ceilings = radiusCeilings(config, classes);
  if (ceilings === null) return null;
  const { sigma, draws, alpha } = config.certification;
  const byMethod = Object.entries(ceilings).map(
    ([method, radius]) => `${method} ${radius.toFixed(3)} (${(radius / sigma).toFixed(2)} σ)`,
  );
  return `n = ${draws} draws at α = ${alpha} and σ = ${sigma} certify at most, in normalised units: ${byMethod.join(', ')}`;
}
