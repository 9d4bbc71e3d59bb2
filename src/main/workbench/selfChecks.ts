import type { ExperimentConfig } from '../../shared/config.ts';
import type {
  NoiseAttackOutcome,
  PgdOutcome,
  SelfCheckFinding,
  SelfCheckName,
  SelfChecks,
} from '../../shared/results.ts';
import { halfOf } from '../engine/attacks/outcome.ts';

/**
 * The self-checks of PGD (METHOD.md §3), in the manner of AutoAttack's: signs in the results themselves that the attack may
 * have been too weak. They can raise a doubt and not remove one: that all pass does not make accuracy under attack a bound.
 */

/** Mean share of an instance's steps without a gradient, above which the attack was led by nothing too often. */
const ZERO_GRADIENT_SHARE = 0.01;

/** A share of the instances that is too large to be a few; two instances always are. */
const FEW = 0.05;
const isMoreThanAFew = (hits: number, total: number): boolean => hits > Math.max(2, FEW * total);

/** Of the first half's gain, what the second may lose again by stepping to and fro at a maximum. */
const LOST_AGAIN = 0.1;

interface Attacked {
  readonly pgd: readonly PgdOutcome[];
  /** Of the same head; empty when there was no noise attack. */
  readonly noise: readonly NoiseAttackOutcome[];
}

type Settings = Pick<ExperimentConfig, 'pgd' | 'noiseAttack'>;

/** What a check judged, and whether that is a finding; null where there was nothing to judge by. */
type Judgement = { readonly hits: number; readonly total: number; readonly isFinding: boolean } | null;

const CHECKS: Readonly<Record<SelfCheckName, (settings: Settings, attacked: Attacked) => Judgement>> = {
  'zero-gradients': (_, { pgd }) => zeroGradients(pgd),
  'weaker-than-noise': weakerThanNoise,
  'broken-late': (settings, { pgd }) => brokenLate(settings, pgd),
  'loss-not-rising': (_, { pgd }) => lossNotRising(pgd),
};

export function selfChecksOf(settings: Settings, attacked: Attacked): SelfChecks {
  const names = Object.keys(CHECKS) as SelfCheckName[];
  const made: SelfCheckName[] = [];
  const findings: SelfCheckFinding[] = [];
  for (const check of names) {
    const judgement = CHECKS[check](settings, attacked);
    if (judgement === null) continue;
    made.push(check);
    const { hits, total, isFinding } = judgement;
    if (isFinding) findings.push({ check, hits, total });
  }
  return { made, findings };
}

/** What was wrong without an attack has no steps to judge. */
const underAttack = (pgd: readonly PgdOutcome[]): PgdOutcome[] => pgd.filter(({ brokenAtStep }) => brokenAtStep !== 0);

function zeroGradients(pgd: readonly PgdOutcome[]): Judgement {
  const attacked = underAttack(pgd);
  if (attacked.length === 0) return null;
  const share = attacked.reduce((sum, { zeroGradientShare }) => sum + zeroGradientShare, 0) / attacked.length;
  const hits = attacked.filter(({ zeroGradientShare }) => zeroGradientShare > 0).length;
  return { hits, total: attacked.length, isFinding: share > ZERO_GRADIENT_SHARE };
}

/** On the instances that both attacked. Noise of a larger radius may well break more. */
function weakerThanNoise({ pgd: { epsilon }, noiseAttack }: Settings, { pgd, noise }: Attacked): Judgement {
  if (epsilon < noiseAttack.epsilon) return null;
  const withstandsNoise = new Map(noise.map(({ datasetIndex, robust }) => [datasetIndex, robust]));
  const both = pgd.filter(({ datasetIndex }) => withstandsNoise.has(datasetIndex));
  if (both.length === 0) return null;
  const left = both.filter(({ robust }) => robust).length;
  const leftByNoise = both.filter(({ datasetIndex }) => withstandsNoise.get(datasetIndex)).length;
  const hits = Math.max(0, left - leftByNoise);
  return { hits, total: both.length, isFinding: hits > 0 };
}

function brokenLate({ pgd: { steps } }: Settings, pgd: readonly PgdOutcome[]): Judgement {
  const attacked = underAttack(pgd);
  if (attacked.length === 0) return null;
  const hits = attacked.filter(({ brokenAtStep }) => brokenAtStep !== null && brokenAtStep > halfOf(steps)).length;
  return { hits, total: attacked.length, isFinding: isMoreThanAFew(hits, attacked.length) };
}

/** Of the instances that the first restart did not break, whose losses reach to its end. */
function lossNotRising(pgd: readonly PgdOutcome[]): Judgement {
  const measured = pgd.filter(({ lossEnd }) => lossEnd !== null);
  if (measured.length === 0) return null;
  const hits = measured.filter((record) => !isRising(record)).length;
  return { hits, total: measured.length, isFinding: isMoreThanAFew(hits, measured.length) };
}

/** False for losses that are not numbers. */
function isRising({ lossStart, lossHalf, lossEnd }: PgdOutcome): boolean {
  const gained = lossHalf! - lossStart!;
  return lossEnd! > lossStart! && lossEnd! >= lossHalf! - LOST_AGAIN * gained;
}
