import Table from 'cli-table3';
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
