import type { Domain, ExperimentConfig, Method } from '../../../shared/config.ts';
import type { RadiusNormalised } from '../../../shared/results.ts';
import { factsLookup } from '../../data/datasetFacts.ts';
import { drawsForRadius, LARGEST_RADIUS } from '../../math/largestRadius.ts';
import type { CertifiedRadius } from '../../store/tables/certificate.ts';
import { inputsOf, radiusRequest } from '../experiments/forewarnings.ts';

/** How far n draws at α can certify at all, and who is stopped by it. */
export interface CurveCeiling {
  readonly radiusNormalised: RadiusNormalised;
  /** Instances certified for their own class as far as that: with more draws they may reach further. */
  readonly instances: number;
  /** A ceiling half a σ higher, and the smallest n that has it; null where that is more than 10⁸. */
  readonly lifted: { readonly radiusNormalised: RadiusNormalised; readonly draws: number } | null;
}

/** In σ: less would hardly show on a curve. */
const LIFT = 0.5;
/** Radii are rounded down, each in its own way. */
const ROUNDING = 1e-9;

/** Ceilings of a run's methods on a domain. */
export function ceilings(
  config: ExperimentConfig,
  domain: Domain,
): (method: Method, radii: readonly CertifiedRadius[]) => CurveCeiling | null {
  const lookup = factsLookup();
  const classes = lookup(config[domain].dataset)?.classes.length;
  // The target is fed as large as the source, whose folder may have gone.
  const isKnown = classes !== undefined && lookup(config.source.dataset) !== null;
  const known = new Map<Method, Omit<CurveCeiling, 'instances'>>();
  return (method, radii) => {
    if (!isKnown) return null;
    const of = { classes, inputs: inputsOf(config, domain) };
    const ceiling = known.get(method) ?? ceilingOf(config, method, of);
    known.set(method, ceiling);
    const least = ceiling.radiusNormalised * (1 - ROUNDING);
    return { ...ceiling, instances: radii.filter(({ radiusNormalised }) => radiusNormalised >= least).length };
  };
}

function ceilingOf(
  config: ExperimentConfig,
  method: Method,
  of: Parameters<typeof radiusRequest>[1],
): Omit<CurveCeiling, 'instances'> {
  const request = radiusRequest(config, of);
  const radiusNormalised = LARGEST_RADIUS[method](request);
  const higher = radiusNormalised + LIFT * request.sigma;
  const draws = drawsForRadius(method, request, higher);
  return { radiusNormalised, lifted: draws === null ? null : { radiusNormalised: higher, draws } };
}

/** "7 of 200 sit at the largest radius that 500 draws allow, 0.523; 1,914 draws would allow 0.648", or null where none does. */
export function ceilingSentence(
  { radiusNormalised, instances, lifted }: CurveCeiling,
  { draws, total }: { readonly draws: number; readonly total: number },
): string | null {
  if (instances === 0) return null;
  const most = radiusNormalised.toFixed(3);
  const cure =
    lifted === null
      ? 'no number of draws that can be waited for lifts it by σ/2'
      : `${lifted.draws} draws would allow ${lifted.radiusNormalised.toFixed(3)}`;
  return `${instances} of ${total} sit at the largest radius that ${draws} draws allow, ${most}; ${cure}`;
}
