import Table from 'cli-table3';
import { ceilingSentence } from '../../workbench/curves/ceiling.ts';
import {
  accuracyAt,
  ANY_SOUND,
  type CertifiedCurve,
  type CurvePoint,
} from '../../workbench/curves/certifiedAccuracy.ts';

const percent = (share: number): string => (100 * share).toFixed(1);

/** One row a curve, one column a radius. @param radii multiples of σ/4, normalised units */
export function curveTable(curves: readonly CertifiedCurve[], radii: readonly number[]): string {
  const table = new Table({
    style: { head: [], border: [], compact: true },
    colAligns: [...Array<'left'>(4).fill('left'), ...Array<'right'>(radii.length).fill('right')],
  });
  const { pixelsPerUnit } = curves.find((curve) => curve.pixelsPerUnit !== null) ?? { pixelsPerUnit: null };
  const header = radii.map((radius, quarters) =>
    [`${quarters / 4}σ`, radius.toFixed(3), pixelsPerUnit === null ? '–' : (radius * pixelsPerUnit).toFixed(3)].join(
      '\n',
    ),
  );
  table.push(
    ['Domain', 'Head', 'Method', 'Rule\nr, normalised\nr, pixels', ...header],
    ...curves.map((curve) => [
      curve.domain,
      curve.head,
      curve.method,
      ruleText(curve),
      ...radii.map((radius) => pointText(accuracyAt(curve, radius))),
    ]),
  );
  return table.toString();
}

function ruleText({ rule, soundness }: CertifiedCurve): string {
  if (rule === null) return '';
  if (rule === ANY_SOUND) return 'any sound';
  return soundness === 'proved' ? rule : `${rule}, no proof`;
}

function pointText({ certified: { hits, total }, interval }: CurvePoint): string {
  return `${percent(hits / total)}\n${percent(interval.lower)}–${percent(interval.upper)}`;
}

export const CURVE_LEGEND = [
  'Share of the instances, in %, that are certified for their own class at least as far as r (L2), with its 95 % Wilson interval below.',
  '"any sound" takes on each instance the rule that is a proof and reaches furthest. Each certificate holds at its own α.',
].join('\n');

/** Who is stopped by the number of draws, a line for each curve with such instances, and the ceilings themselves. */
export function ceilingLines(curves: readonly CertifiedCurve[], draws: number): string[] {
  const byMethod = new Map(curves.flatMap(({ method, ceiling }) => (ceiling === null ? [] : [[method, ceiling]])));
  const most = [...byMethod].map(([method, { radiusNormalised }]) => `${method} ${radiusNormalised.toFixed(3)}`);
  const stopped = curves.flatMap((curve) => {
    const { domain, head, method, ceiling, steps } = curve;
    const said = ceiling === null ? null : ceilingSentence(ceiling, { draws, total: steps[0].certified.total });
    return said === null
      ? []
      : [`  ${[domain, head, method, ruleText(curve)].filter((part) => part !== '').join(', ')}: ${said}`];
  });
  return [
    ...(most.length === 0 ? [] : [`Largest radius that ${draws} draws allow, normalised units: ${most.join(', ')}.`]),
    ...(stopped.length === 0 ? [] : ['Instances that more draws may certify further:', ...stopped]),
  ];
}
