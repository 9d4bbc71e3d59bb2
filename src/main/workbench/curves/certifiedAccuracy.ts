import { isProof } from '../../math/marginRules.ts';
import { wilsonInterval } from '../../math/wilson.ts';
import type { Domain, Method, Rule } from '../../../shared/config.ts';
import type { RadiusNormalised, RadiusPixels, Soundness } from '../../../shared/results.ts';
import type { Store } from '../../store/store.ts';
import type { CertifiedRadius } from '../../store/tables/certificate.ts';
import { BadInput } from '../errors.ts';
import type { Share } from '../../../shared/report.ts';
import { headLabel } from '../stageKeys.ts';
import { ceilings, type CurveCeiling } from './ceiling.ts';
import { headsOf, stageOf, type HeadOfDomain, type StoredRun } from '../storedRun.ts';

/** The best radius of any rule that is a proof: what "A_V proved" of a run's table is at radius 0. */
export const ANY_SOUND = 'any-sound';

/** Certified accuracy at one radius: the share of instances certified at least that far, for their own class. */
export interface CurvePoint {
  readonly radiusNormalised: RadiusNormalised;
  /** Null where no certificate reaches past 0, so that nothing tells what a pixel is worth. */
  readonly radiusPixels: RadiusPixels | null;
  readonly certified: Share;
  /** Wilson's 95 % interval of the share. */
  readonly interval: { readonly lower: number; readonly upper: number };
}

/** Certified accuracy as a function of the radius (METHOD.md §4, metrics), L2. */
export interface CertifiedCurve extends HeadOfDomain {
  readonly method: Method;
  /** Null for every method but representation. */
  readonly rule: Rule | typeof ANY_SOUND | null;
  readonly soundness: Soundness;
  /** What a radius of 1 in normalised units is in pixel units; null as above. */
  readonly pixelsPerUnit: number | null;
  /**
   * Where the accuracy falls, ascending from radius 0: at a radius r it is that of the first step whose radius is ≥ r,
   * and 0 past the last.
   */
  readonly steps: readonly CurvePoint[];
  /** Where no model's curve can go on; null where the number of classes, which decides it, is not known any more. */
  readonly ceiling: CurveCeiling | null;
}

/** Null stands for all. */
export interface CurveChoice {
  readonly domain: Domain | null;
  readonly head: string | null;
  readonly method: Method | null;
}

/**
 * Curves of a run, one for each domain, head, method and rule that has certificates, from the store alone. Certificates of
 * a run under way are counted as far as they go.
 * @throws BadInput when the choice leaves none, naming what there is
 */
export function certifiedCurves(store: Store, run: StoredRun, choice: CurveChoice): CertifiedCurve[] {
  const all = headsOf(run);
  const heads = all.filter((of) => (choice.domain ?? of.domain) === of.domain && (choice.head ?? of.head) === of.head);
  if (choice.head !== null && heads.length === 0) {
    const known = [...new Set(all.map(({ head }) => `"${head}"`))].join(', ');
    throw new BadInput(`run ${run.run.id} has no head "${choice.head}"; there are: ${known}`);
  }
  const curves = heads.flatMap((of) => curvesOfHead(store, run, of));
  const chosen = curves.filter(({ method }) => (choice.method ?? method) === method);
  if (chosen.length > 0) return chosen;
  const methods = [...new Set(curves.map(({ method }) => method))].join(', ');
  throw new BadInput(
    methods === ''
      ? `run ${run.run.id} has no certificates there; go on with: ptw resume ${run.run.id}`
      : `run ${run.run.id} has no ${String(choice.method)} certificates; there are: ${methods}`,
  );
}

function curvesOfHead(store: Store, run: StoredRun, of: HeadOfDomain): CertifiedCurve[] {
  const stage = stageOf(run, 'certification', of);
  if (stage === undefined) return [];
  const { constraint } = run.config.heads.find((spec) => headLabel(spec) === of.head)!;
  const ceilingOf = ceilings(run.config, of.domain);
  const curves = store.results.summary(stage.id).map(({ method, rule, total }): CertifiedCurve => {
    const soundness = rule === null || isProof(rule, constraint) ? 'proved' : 'published-rule';
    const radii = store.results.certifiedRadii(stage.id, { method, rule });
    return { ...of, method, rule, soundness, ...stepsOf(radii, total), ceiling: ceilingOf(method, radii) };
  });
  const total = store.results.summary(stage.id).find(({ method }) => method === 'representation')?.total;
  if (total === undefined) return curves;
  const radii = store.results.provedRepresentationRadii(stage.id);
  const sound = { ...stepsOf(radii, total), ceiling: ceilingOf('representation', radii) };
  return [...curves, { ...of, method: 'representation', rule: ANY_SOUND, soundness: 'proved', ...sound }];
}

/** @param radii of the instances that are certified for their own class, in any order; @param total instances */
export function stepsOf(
  radii: readonly CertifiedRadius[],
  total: number,
): Pick<CertifiedCurve, 'pixelsPerUnit' | 'steps'> {
  const ascending = [...radii].sort((a, b) => a.radiusNormalised - b.radiusNormalised);
  const steps = [{ radiusNormalised: 0, radiusPixels: 0, hits: ascending.length }];
  ascending.forEach(({ radiusNormalised, radiusPixels }, below) => {
    if (radiusNormalised === steps.at(-1)!.radiusNormalised) return;
    steps.push({ radiusNormalised, radiusPixels, hits: ascending.length - below });
  });
  const last = steps.at(-1)!;
  return {
    pixelsPerUnit: last.radiusNormalised > 0 ? last.radiusPixels / last.radiusNormalised : null,
    steps: steps.map(({ hits, ...radius }) => ({ ...radius, ...shareOf(hits, total) })),
  };
}

function shareOf(hits: number, total: number): Pick<CurvePoint, 'certified' | 'interval'> {
  return { certified: { hits, total }, interval: wilsonInterval(hits, total) };
}

/** The curve at one radius. @param radius normalised units, ≥ 0 */
export function accuracyAt({ steps, pixelsPerUnit }: CertifiedCurve, radius: RadiusNormalised): CurvePoint {
  const step = steps.find(({ radiusNormalised }) => radiusNormalised >= radius);
  const share = step ?? shareOf(0, steps[0].certified.total);
  return {
    radiusNormalised: radius,
    radiusPixels: pixelsPerUnit === null ? (radius === 0 ? 0 : null) : radius * pixelsPerUnit,
    certified: share.certified,
    interval: share.interval,
  };
}

/**
 * Mean certified radius, which is the area under the curve: over all instances, 0 where one is not certified for its own class, or over
 * those that are; null without any of them. Normalised units.
 */
export function meanRadiusOf({ steps }: Pick<CertifiedCurve, 'steps'>, over: 'all' | 'certified'): number | null {
  const { hits, total } = steps[0].certified;
  const count = over === 'all' ? total : hits;
  if (count === 0) return null;
  const area = steps.reduce(
    (sum, { radiusNormalised, certified }, i) =>
      i === 0 ? 0 : sum + (radiusNormalised - steps[i - 1].radiusNormalised) * certified.hits,
    0,
  );
  return area / count;
}

/** 0, σ/4, σ/2 and so on, to the last one that some curve reaches. Normalised units. */
export function radiiToShow(curves: readonly CertifiedCurve[], sigma: number): RadiusNormalised[] {
  const furthest = Math.max(...curves.flatMap(({ steps }) => steps.at(-1)!.radiusNormalised).filter(Number.isFinite));
  return Array.from({ length: Math.floor((4 * furthest) / sigma) + 1 }, (_, i) => (i * sigma) / 4);
}

/** All of a run, for exports; empty where nothing was certified. */
export function everyCurve(store: Store, run: StoredRun): CertifiedCurve[] {
  return headsOf(run).flatMap((of) => curvesOfHead(store, run, of));
}
